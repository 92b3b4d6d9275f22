"""The home's clients: requests through the bridge, whole or byte by byte, from any address."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from proxy_rig.compat_service import CompatService
from proxy_rig.haproxy import Haproxy, Unpacked, running
from proxy_rig.world import BRIDGE, CLIENT, PVS, World
from pvs_sim import Simulator
from pvs_sim.client import Answer, unverified_tls

HTTPS = 443
_TLS: ssl.SSLContext = unverified_tls()
DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"


@dataclass(frozen=True)
class Timed:
    """An answer, and how long it took."""

    answer: Answer
    seconds: float


class Home:
    """The home network with the bridge in it, and the PVS behind.

    Attributes:
        world: where all of it is.
        pvs: the simulator; its record is the judge.
        haproxy: the one at work, while :meth:`bridge` lasts.
        compat: the compat service beside it, if there is one.
    """

    def __init__(self, world: World, unpacked: Unpacked, pvs: Simulator) -> None:
        """Take a world in which a simulator listens."""
        self.world = world
        self.pvs = pvs
        self.haproxy: Haproxy | None = None
        self.compat: CompatService | None = None
        self._unpacked = unpacked

    @contextlib.contextmanager
    def bridge(self, **variables: Any) -> Iterator[Haproxy]:  # noqa: ANN401 - an inventory's
        """Run haproxy with these variables; forget what the PVS was asked before."""
        port = variables.get("proxy_http_port", 80)
        with running(self.world, self._unpacked, port, **variables) as haproxy:
            self.haproxy = haproxy
            self.settle()
            yield haproxy

    def settle(self) -> None:
        """Wait until the PVS has nothing to do, and set its counters to zero."""
        self.settle_without_reset()
        self.pvs.call(lambda box: box.counters.reset())

    def settle_without_reset(self) -> None:
        """Wait until the PVS has nothing to do."""
        deadline = time.monotonic() + 10
        while self.stats()["in_flight"]["total"] and time.monotonic() < deadline:
            time.sleep(0.01)

    def wait_for_work(self) -> None:
        """Wait until the PVS has got a request."""
        while not self.stats()["requests"]:
            time.sleep(0.01)

    def stats(self) -> dict[str, Any]:
        """The PVS's counters."""
        return self.pvs.stats()

    def seen(self) -> dict[str, int]:
        """What the PVS has got, as the figures of a row of the table of attacks."""
        stats = self.stats()
        return {
            "arrived": stats["requests"],
            "writes": stats["writes"]["count"],
            "most_in_flight": stats["most_in_flight"]["total"],
        }

    def connect(
        self,
        port: int = 80,
        address: str = BRIDGE,
        **how: Any,  # noqa: ANN401 - as World.connect's
    ) -> socket.socket:
        """Return a connection of a client; by TLS to port 443.

        Raises:
            OSError: the connection or the handshake fails.
        """
        plain = self.world.connect(port, address, **how)
        if port != HTTPS:
            return plain
        try:
            return _TLS.wrap_socket(plain, server_hostname=address)
        except BaseException:
            plain.close()
            raise

    def ask(
        self,
        target: str = DEVICE_LIST,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        source: str = CLIENT,
        address: str = BRIDGE,
        port: int = 80,
        timeout_seconds: float = 30,
    ) -> Answer:
        """Make one request on a connection of its own.

        Raises:
            OSError: no connection, or it was cut or timed out.
            http.client.HTTPException: what came is not HTTP.
        """
        connection = http.client.HTTPConnection(address, port, timeout=timeout_seconds)
        connection.sock = self.connect(
            port, address, source=source, timeout_seconds=timeout_seconds
        )
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, tuple(response.getheaders()), response.read())
        finally:
            connection.close()

    def timed(self, target: str = DEVICE_LIST, **how: Any) -> Timed:  # noqa: ANN401 - as ask's
        """As :meth:`ask`, with the time that it took."""
        started = time.monotonic()
        answer = self.ask(target, **how)
        return Timed(answer, time.monotonic() - started)

    @contextlib.contextmanager
    def clients(self, count: int) -> Iterator[ThreadPoolExecutor]:
        """A pool whose threads are the home's programs."""
        with ThreadPoolExecutor(count) as pool:
            yield pool

    def burst(self, count: int, target: str = DEVICE_LIST, **how: Any) -> list[Timed]:  # noqa: ANN401
        """Have several programs ask the same at once."""
        with self.clients(count) as pool:
            pending: list[Future[Timed]] = [
                pool.submit(self.timed, target, **how) for _ in range(count)
            ]
            return [each.result() for each in pending]

    def exchange(self, data: bytes, *, port: int = 80, timeout_seconds: float = 5) -> bytes:
        """Send bytes and return all that comes until the bridge closes or falls silent."""
        received = bytearray()
        connection = self.connect(port, timeout_seconds=timeout_seconds)
        with connection, contextlib.suppress(OSError):
            connection.sendall(data)
            while chunk := connection.recv(65536):
                received += chunk
        return bytes(received)


def is_refusal(answer: Answer) -> bool:
    """Whether the bridge itself has said no, in the form that it says so."""
    with contextlib.suppress(ValueError):
        said = json.loads(answer.body)
        return set(said) == {"result", "error", "hint"} and said["result"] == "error"
    return False


__all__ = ["BRIDGE", "CLIENT", "DEVICE_LIST", "HTTPS", "PVS", "Home", "Timed", "is_refusal"]
