"""The service in its own process at a real socket."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.monitor.monitored import MonitoredBridge
from unit.status.conftest import ROLE

from pvs_bridge.history import store
from pvs_bridge.history.day import Day
from pvs_lab.process import wait_until

PROGRAM = ROLE.parent / "agent/files/pvs_bridge/__main__.py"


class Service:
    """The running service.

    Attributes:
        pid: its process.
        path: its socket.
    """

    def __init__(self, pid: int, path: Path) -> None:
        """Take a running process."""
        self.pid = pid
        self.path = path

    def connect(self) -> socket.socket:
        """Open a connection."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(str(self.path))
        return connection

    @property
    def listens(self) -> bool:
        """Whether the socket accepts connections."""
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.path)) == 0

    def ask(self, line: str) -> tuple[str, str]:
        """Send a request, and return head and body of the answer."""
        with self.connect() as connection:
            connection.sendall(f"{line}\r\nHost: bridge\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.decode().partition("\r\n\r\n")
        return head, body

    @property
    def cpu_seconds(self) -> float:
        """The CPU time."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def pss_kib(self) -> int:
        """The proportional set size."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


@pytest.fixture
def service(bridge: MonitoredBridge, tmp_path: Path) -> Iterator[Service]:
    """Run the program on the monitor's files."""
    path = tmp_path / "http.sock"
    words = [sys.executable, "-I", str(PROGRAM), "status", f"--socket={path}"]
    words += [f"--state={bridge.paths.state}", f"--events={bridge.paths.events}"]
    words += [f"--history={bridge.paths.history}"]
    with subprocess.Popen(words) as process:
        try:
            running = Service(process.pid, path)
            assert wait_until(lambda: running.listens, 20)
            yield running
        finally:
            process.terminate()


def test_it_answers_the_requests_of_haproxy(service: Service) -> None:
    head, body = service.ask("GET /bridge/status.json HTTP/1.1")
    assert head.splitlines()[0] == "HTTP/1.1 200 OK"
    assert "Content-Type: application/json" in head
    assert json.loads(body)["versions"]["pvs_bridge"] == "0.1.0"
    head, body = service.ask("GET /bridge/metrics HTTP/1.1")
    assert "Content-Type: text/plain; version=0.0.4" in head
    assert "pvs_bridge_panels 3" in body


def test_it_answers_with_the_history(service: Service, bridge: MonitoredBridge) -> None:
    store.add(bridge.paths.history, [Day("2026-06-19", 1, 0, 1500, {"E1": 1500})])
    _, body = service.ask("GET /bridge/history.json HTTP/1.1")
    assert json.loads(body)["month"] == {"2026-06": 1500}
    _, body = service.ask("GET /bridge/history.json?of=2026-06-19 HTTP/1.1")
    assert json.loads(body)["panels"] == {"E1": 1500}
    head, body = service.ask("GET /bridge/history.csv?by=month HTTP/1.1")
    assert "Content-Type: text/csv; charset=utf-8" in head
    assert body == "month,plant_kwh,earlier_kwh,E1\r\n2026-06,1.500,0.000,1.500\r\n"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /bridge/history.json?of=2020 HTTP/1.1", "404 Not Found"),
        ("GET /bridge/history.csv?by=week HTTP/1.1", "404 Not Found"),
        ("HEAD /bridge/history.csv HTTP/1.1", "200 OK"),
        ("HEAD /bridge/metrics HTTP/1.1", "200 OK"),
        ("GET /bridge/other HTTP/1.1", "404 Not Found"),
        ("POST /bridge/metrics HTTP/1.1", "405 Method Not Allowed"),
        ("", "405 Method Not Allowed"),
        ("GET", "405 Method Not Allowed"),
    ],
)
def test_other_requests_have_a_status(service: Service, line: str, status: str) -> None:
    head, body = service.ask(line)
    assert head.splitlines()[0] == f"HTTP/1.1 {status}"
    assert not line.startswith("HEAD") or body == ""


def test_broken_connections_do_not_stop_the_service(service: Service) -> None:
    for sent in (b"", b"GET /bridge/metr", b"\x00" * 70_000):
        with service.connect() as connection, contextlib.suppress(OSError):
            connection.sendall(sent)
    assert service.ask("GET /bridge/metrics HTTP/1.1")[0].startswith("HTTP/1.1 200")


def test_a_new_run_of_the_monitor_is_visible_at_once(
    service: Service, bridge: MonitoredBridge
) -> None:
    bridge.config = bridge.config.__class__(**{**vars(bridge.config), "version": "9.9"})
    bridge.minutes(1)
    _, body = service.ask("GET /bridge/status.json HTTP/1.1")
    assert json.loads(body)["versions"]["pvs_bridge"] == "9.9"


def test_it_uses_little_memory_and_no_cpu_when_idle(service: Service) -> None:
    for _ in range(200):
        service.ask("GET /bridge/status.json HTTP/1.1")
    before = service.cpu_seconds
    time.sleep(1.5)
    assert service.cpu_seconds - before < 0.01
    assert service.pss_kib < 16 * 1024


def test_a_socket_that_cannot_be_created_is_an_error_with_a_hint(tmp_path: Path) -> None:
    words = [sys.executable, "-I", str(PROGRAM), "status", f"--socket={tmp_path}/missing/http.sock"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1
    assert done.stderr.startswith(f"pvs-bridge status: {tmp_path}/missing/http.sock: No such file")
    assert "service with systemctl" in done.stderr
