"""A simulated PVS and the service that translates it, each in a process of its own.

Nothing but Python's own library is needed here, so that it runs in a guest as well.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PROGRAM = "roles/agent/files/pvs_bridge/__main__.py"
DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
_FIRMWARE = 61846
_PATIENCE_SECONDS = 180.0  # a guest of QEMU takes its time


class RigError(Exception):
    """One of the two did not do what is measured."""


class Rig:
    """Both of them, running.

    Attributes:
        service: the process that translates.
    """

    def __init__(self, folder: Path, service: subprocess.Popen[bytes], port: int) -> None:
        """Remember where they are; see :func:`running`."""
        self.service = service
        self._socket = str(folder / "http.sock")
        self._port = port
        self._session = ""

    def ask(self, target: str = DEVICE_LIST) -> float:
        """Ask the service on a connection of its own, as haproxy does; return the seconds."""
        connection = http.client.HTTPConnection("bridge")
        began = time.perf_counter()
        connection.sock = socket.socket(socket.AF_UNIX)
        with contextlib.closing(connection):
            connection.sock.connect(self._socket)
            self._answered(connection, target, {})
        return time.perf_counter() - began

    def ask_pvs(self) -> float:
        """Read from the PVS what the service reads; return the seconds."""
        if not self._session:
            self._log_in()
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        began = time.perf_counter()
        with contextlib.closing(connection):
            self._answered(connection, "/vars?match=/sys/", {"Cookie": self._session})
        return time.perf_counter() - began

    def _log_in(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        with contextlib.closing(connection):
            said = json.loads(self._answered(connection, "/cgi-bin/dl_cgi/supervisor/info", {}))
            password = said["supervisor"]["SERIAL"][-5:]
            credentials = base64.b64encode(f"ssm_owner:{password}".encode()).decode()
            headers = {"Authorization": f"basic {credentials}"}
            answer = json.loads(self._answered(connection, "/auth?login", headers))
            self._session = f"session={answer['session']}"

    def _answered(
        self, connection: http.client.HTTPConnection, target: str, headers: dict[str, str]
    ) -> bytes:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RigError(f"{target} got {answer.status}: {body[:200]!r}")
        return body


@contextlib.contextmanager
def running(panels: int, cache_seconds: int, *, latency_scale: float = 1.0) -> Iterator[Rig]:
    """Run both.

    Args:
        panels: of the plant.
        cache_seconds: how long the service shares a reading.
        latency_scale: how long the PVS takes, in its usual times.

    Raises:
        RigError: they do not come up.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        told = folder / "pvs.ready"
        simulator = [
            *(sys.executable, "-m", "pvs_sim", "--ready-file", str(told)),
            *("--http-port", "0", "--https-port", "off", "--websocket-port", "off"),
            # haproxy, which speaks HTTPS to the PVS, is not part of this.
            *("--http-api", "on"),
            *("--panels", str(panels), "--battery", "--firmware", str(_FIRMWARE)),
            *("--latency-scale", str(latency_scale)),
        ]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT / "tests/lab")}
        stack.enter_context(_process(simulator, environment))
        _wait(told.exists)
        port = json.loads(told.read_text())["ports"]["http"]
        file = folder / "compat.json"
        file.write_text(json.dumps(_configuration(folder, port, cache_seconds)))
        program = [sys.executable, "-I", str(PROJECT / PROGRAM), "compat", "--config", str(file)]
        rig = Rig(folder, stack.enter_context(_process(program, environment)), port)
        _wait(lambda: _is_ready(rig))
        yield rig


def _configuration(folder: Path, port: int, cache_seconds: int) -> dict[str, object]:
    return {
        "mode": "auto",
        "listen_socket": str(folder / "http.sock"),
        "live_socket": "",
        "pvs_url": f"http://127.0.0.1:{port}",
        "pvs_socket": "",
        "stats_socket": "",
        "state_file": str(folder / "pvs.json"),
        "password": "",
        "cache_seconds": cache_seconds,
        "stale_seconds": 900,
        "night_seconds": 0,
        "secrets": False,
        "live_data_enabled": False,
        "timeout_seconds": 180,
    }


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _is_ready(rig: Rig) -> bool:
    try:
        rig.ask("/ready")
    except (OSError, RigError):
        return False
    return True


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RigError("the simulated PVS or the service did not come up")
        time.sleep(0.1)
