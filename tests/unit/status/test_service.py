"""The service itself, in a process of its own, at a real socket."""

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
from unit.care.monitored import MonitoredBridge
from unit.status.conftest import ROLE

from pvs_lab.process import wait_until

PROGRAM = ROLE.parent / "agent/files/pvs_bridge/__main__.py"


class Service:
    """The program at work.

    Attributes:
        pid: its process.
        path: its socket.
    """

    def __init__(self, pid: int, path: Path) -> None:
        """Take a process that was started."""
        self.pid = pid
        self.path = path

    def connect(self) -> socket.socket:
        """Open a connection."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(str(self.path))
        return connection

    def ask(self, line: str) -> tuple[str, str]:
        """Send a request; head and body of what comes."""
        with self.connect() as connection:
            connection.sendall(f"{line}\r\nHost: bridge\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.decode().partition("\r\n\r\n")
        return head, body

    @property
    def cpu_seconds(self) -> float:
        """What it has computed."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def pss_kib(self) -> int:
        """What it takes of memory, what it shares with others in part."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


@pytest.fixture
def service(bridge: MonitoredBridge, tmp_path: Path) -> Iterator[Service]:
    """Run the program beside what the role care has left."""
    path = tmp_path / "http.sock"
    words = [sys.executable, "-I", str(PROGRAM), "status", f"--socket={path}"]
    words += [f"--state={bridge.paths.state}", f"--events={bridge.paths.events}"]
    with subprocess.Popen(words) as process:
        assert wait_until(path.exists, 10)
        yield Service(process.pid, path)
        process.terminate()


def test_it_answers_what_haproxy_passes_on(service: Service) -> None:
    head, body = service.ask("GET /bridge/status.json HTTP/1.1")
    assert head.splitlines()[0] == "HTTP/1.1 200 OK"
    assert "Content-Type: application/json" in head
    assert json.loads(body)["versions"]["pvs_bridge"] == "0.1.0"
    head, body = service.ask("GET /bridge/metrics HTTP/1.1")
    assert "Content-Type: text/plain; version=0.0.4" in head
    assert "pvs_bridge_panels 3" in body


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("HEAD /bridge/metrics HTTP/1.1", "200 OK"),
        ("GET /bridge/other HTTP/1.1", "404 Not Found"),
        ("POST /bridge/metrics HTTP/1.1", "405 Method Not Allowed"),
        ("", "405 Method Not Allowed"),
        ("GET", "405 Method Not Allowed"),
    ],
)
def test_everything_else_has_its_status(service: Service, line: str, status: str) -> None:
    head, body = service.ask(line)
    assert head.splitlines()[0] == f"HTTP/1.1 {status}"
    assert not line.startswith("HEAD") or body == ""


def test_whoever_hangs_up_or_says_nothing_ends_nothing(service: Service) -> None:
    for sent in (b"", b"GET /bridge/metr", b"\x00" * 70_000):
        with service.connect() as connection, contextlib.suppress(OSError):
            connection.sendall(sent)
    assert service.ask("GET /bridge/metrics HTTP/1.1")[0].startswith("HTTP/1.1 200")


def test_a_new_look_is_seen_at_once(service: Service, bridge: MonitoredBridge) -> None:
    bridge.config = bridge.config.__class__(**{**vars(bridge.config), "version": "9.9"})
    bridge.minutes(1)
    _, body = service.ask("GET /bridge/status.json HTTP/1.1")
    assert json.loads(body)["versions"]["pvs_bridge"] == "9.9"


def test_it_is_small_and_sleeps(service: Service) -> None:
    for _ in range(200):
        service.ask("GET /bridge/status.json HTTP/1.1")
    before = service.cpu_seconds
    time.sleep(1.5)
    assert service.cpu_seconds - before < 0.01
    assert service.pss_kib < 16 * 1024


def test_a_socket_that_cannot_be_made_is_named_with_the_hint(tmp_path: Path) -> None:
    words = [sys.executable, "-I", str(PROGRAM), "status", f"--socket={tmp_path}/missing/http.sock"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1
    assert done.stderr.startswith(f"pvs-bridge status: {tmp_path}/missing/http.sock: No such file")
    assert "service with systemctl" in done.stderr
