"""Run the service in a thread, and send it requests over real sockets."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pvs_bridge.compat.service import Service
from pvs_bridge.config import CompatConfig

if TYPE_CHECKING:
    from typing import Self

DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        """Return the body as JSON data."""
        return json.loads(self.body)

    def devices(self, kind: str) -> list[dict[str, Any]]:
        """Return the devices of a DEVICE_TYPE."""
        return [each for each in self.json()["devices"] if each["DEVICE_TYPE"] == kind]


def config_for(url: str, folder: Path, **chosen: Any) -> CompatConfig:  # noqa: ANN401 - any key
    """Return the configuration of a service that connects to a PVS directly.

    Args:
        url: The URL of the PVS.
        folder: The folder of its socket and its state.
        chosen: Other values of keys.
    """
    values: dict[str, Any] = {
        "mode": "auto",
        "listen_socket": str(folder / "http.sock"),
        "live_socket": "",
        "pvs_url": url,
        "pvs_socket": "",
        "stats_socket": "",
        "state_file": str(folder / "pvs.json"),
        "password": "",
        "cache_seconds": 30,
        "stale_seconds": 900,
        "night_seconds": 0,
        "secrets": False,
        "live_data_enabled": False,
        "timeout_seconds": 20,
    }
    return CompatConfig(**{**values, **chosen})


class Compat:
    """A service that runs within a with statement."""

    def __init__(self, config: CompatConfig) -> None:
        """Prepare a service."""
        self.config = config
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="compat")

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        self._begun.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it, and wait for its end."""
        if self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        service = Service(self.config)
        try:
            await service.start()
        except BaseException as error:
            self._failure = error
            await service.stop()
            return
        finally:
            self._begun.set()
        await self._end.wait()
        await service.stop()

    def listed(self, status: int) -> None:
        """Tell the service how the PVS has answered DeviceList, as haproxy's health check does."""
        self.get("/ready", headers={"X-Device-List": str(status)})

    def get(
        self,
        target: str = DEVICE_LIST,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request as haproxy does."""
        connection = http.client.HTTPConnection("bridge", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(self.config.listen_socket)
            connection.request(method, target, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def volley(self, count: int, target: str = DEVICE_LIST) -> list[Answer]:
        """Send many requests at once."""
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(self.get, [target] * count))

    def abandon(self, after_seconds: float, target: str = DEVICE_LIST) -> None:
        """Send a request, and disconnect before the answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.config.listen_socket)
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: bridge\r\n\r\n".encode())
            time.sleep(after_seconds)

    def wait_ready(self, status: int = 200) -> Answer:
        """Wait until haproxy's health check gets a status."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            answer = self.get("/ready")
            if answer.status == status:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"not {status} but {answer}")
            time.sleep(0.02)
