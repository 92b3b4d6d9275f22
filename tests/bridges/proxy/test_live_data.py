"""Live data: programs of the home share one connection to the PVS, which gets nothing of them."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attack_table import AttackTable
from bridges.proxy.attackers import Attackers, Habit
from bridges.proxy.home import Home
from bridges.proxy.owner import LOCKED, OPEN, log_in
from bridges.proxy.test_load import UPGRADE

from proxy_rig.rendering import variables
from pvs_lab.process import wait_until

Serve = Callable[..., Home]

PORT = 9002
ATTACKER = "192.168.20.100"
SWITCHED = {"compat_live_data_enabled": True, "proxy_writes_acknowledged": True}
TELEMETRY = "/sys/telemetryws/enable"
PAGES: int = variables({})["__proxy_live_pages"]
LINGER_SECONDS = 30
MEMORY_MIB = 96
"""What its unit allows the service."""


@contextlib.contextmanager
def listening(home: Home, **headers: str) -> Iterator[socket.socket]:
    """Ask for live data as a program does; the answer is still to be read."""
    wanted = {
        "Host": "bridge:9002",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        **headers,
    }
    lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in wanted.items())]
    with home.world.connect(PORT, timeout_seconds=40) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        yield connection


def check_messages(connection: socket.socket, count: int = 2) -> None:
    """Read the answer to the handshake, and messages."""
    with connection.makefile("rb") as stream:
        assert b" 101 " in stream.readline()
        while stream.readline() != b"\r\n":
            pass
        for _ in range(count):
            first, length = stream.read(2)
            if length == 126:
                length = int.from_bytes(stream.read(2), "big")
            assert first == 0x81
            assert "pv_p" in json.loads(stream.read(length))["params"]


def refused(connection: socket.socket) -> tuple[int, dict[str, str]]:
    """Return the status and the JSON of a refusal."""
    with connection.makefile("rb") as stream:
        head, _, body = stream.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def connections(home: Home) -> dict[str, int]:
    """Return how many connections for live data the PVS has, and had."""
    found: dict[str, int] = home.stats()["websocket"]
    return found


def test_programs_share_one_connection(serve_compat: Serve) -> None:
    home = serve_compat(OPEN)
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            check_messages(stack.enter_context(listening(home)))
        assert connections(home) == {"clients": 1, "most": 1, "total": 1}
        (record,) = [each for each in home.pvs.log() if each["listener"] == "websocket"]
        assert {name.lower() for name, _ in record["headers"]} == {
            "host", "upgrade", "connection", "sec-websocket-version", "sec-websocket-key"
        }  # fmt: skip


def test_newer_firmware_is_switched_on_for_programs(serve_compat: Serve) -> None:
    home = serve_compat(LOCKED, **SWITCHED)
    with listening(home) as connection:
        check_messages(connection)
        assert home.pvs.call(lambda box: box.state.telemetry) == "1"
        # It takes its turn with all other requests.
        assert home.stats()["most_in_flight"]["total"] == 1
    assert wait_until(
        lambda: home.pvs.call(lambda box: box.state.telemetry) == "0", LINGER_SECONDS + 20
    )
    assert connections(home) == {"clients": 0, "most": 1, "total": 1}
    writes = home.stats()["writes"]["list"]
    assert [each["what"] for each in writes] == [f"set={TELEMETRY}={value}" for value in (1, 0)]
    # A program itself may not do so.
    assert home.ask(f"/vars?set={TELEMETRY}=1", headers=log_in(home)).status == 403


def test_without_the_switch_a_program_is_told_of_it(serve_compat: Serve) -> None:
    home = serve_compat(LOCKED)
    with listening(home) as connection:
        status, told = refused(connection)
    assert status == 503
    assert "compat_live_data_enabled" in told["hint"]
    assert home.stats()["writes"]["count"] == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403)],
    ids=["another name", "another site"],
)
def test_live_data_are_not_for_pages_of_other_sites(
    serve_compat: Serve, headers: dict[str, str], status: int
) -> None:
    home = serve_compat(OPEN)
    with listening(home, **headers) as connection:
        assert connection.recv(4096).split()[1] == str(status).encode()
    assert connections(home)["total"] == 0


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_without_the_service_a_program_gets_a_clear_error(serve: Serve, mode: str) -> None:
    home = serve(compat_mode=mode)
    with listening(home) as connection:
        status, told = refused(connection)
    assert status == (501 if mode == "off" else 503)
    assert "compat" in told["error"]
    assert connections(home)["total"] == 0


def test_the_port_can_be_closed(serve: Serve) -> None:
    home = serve(proxy_websocket_enabled=False)
    assert not home.world.listens(PORT)


def test_a_program_that_sends_without_end_does_not_fill_the_memory(
    serve_compat: Serve, attack_table: AttackTable
) -> None:
    home = serve_compat(OPEN)
    assert home.compat is not None
    sent = 0
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(listening(home))
        check_messages(other)
        for _ in range(3):
            bad = stack.enter_context(listening(home))
            check_messages(bad, 1)
            with contextlib.suppress(OSError):
                bad.sendall(b"\x81\xff" + (2**40).to_bytes(8, "big") + bytes(4))
                end = time.monotonic() + 2
                while time.monotonic() < end:
                    sent += bad.send(bytes(65536))
            assert memory_mib(home.compat.pid) < MEMORY_MIB
        attack_table.add("endless messages to port 9002", attempts=3, **home.seen())
        # The service has closed each of them, so hardly more than the buffers was taken.
        assert sent < 3 * 8 * 2**20
        assert connections(home)["most"] == 1
        assert other.recv(1)


def memory_mib(pid: int) -> float:
    """Return the memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def test_one_address_cannot_take_all_places_of_the_live_data(serve_compat: Serve) -> None:
    home = serve_compat(OPEN)
    with Attackers(home.world, Habit(PORT, UPGRADE), [ATTACKER], 100) as attackers:
        while attackers.attempts < 100:
            time.sleep(0.01)
        with home.world.connect(PORT, timeout_seconds=2) as other:
            other.sendall(UPGRADE)
            assert other.recv(12) == b"HTTP/1.1 101"
        assert home.stats()["websocket"]["most"] == 1


@contextlib.contextmanager
def page(home: Home, method: str = "GET", query: str = "") -> Iterator[http.client.HTTPResponse]:
    """Ask for live data as the status page does."""
    connection = http.client.HTTPConnection("bridge", timeout=40)
    connection.sock = home.world.connect(80, timeout_seconds=40)
    try:
        connection.request(method, f"/bridge/live{query}")
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


def check_events(response: http.client.HTTPResponse, count: int = 2) -> None:
    """Read events."""
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/event-stream"
    for _ in range(count):
        field, _, text = response.readline().partition(b": ")
        assert (field, response.readline()) == (b"data", b"\n")
        assert "pv_p" in json.loads(text)["params"]


def test_pages_and_programs_share_one_connection(serve_compat: Serve) -> None:
    home = serve_compat(OPEN, **SWITCHED)
    with page(home) as one, page(home) as other, listening(home) as program:
        check_events(one)
        check_events(other)
        check_messages(program)
        assert connections(home) == {"clients": 1, "most": 1, "total": 1}
        assert {each["listener"] for each in home.pvs.log()} == {"websocket"}


@pytest.mark.slow
def test_a_page_hears_live_data_for_longer_than_the_time_limits(serve_compat: Serve) -> None:
    home = serve_compat(OPEN, **SWITCHED)
    began = time.monotonic()
    with page(home) as response:
        while time.monotonic() - began < 70:
            check_events(response, 1)


@pytest.mark.parametrize(("method", "query"), [("HEAD", ""), ("POST", ""), ("GET", "?a=b")])
def test_only_the_request_of_the_page_gets_live_data(
    serve_compat: Serve, method: str, query: str
) -> None:
    home = serve_compat(OPEN, **SWITCHED)
    with page(home, method, query) as response:
        assert response.status == 404
    assert connections(home)["total"] == 0


def test_without_the_variable_the_page_has_no_live_data(serve_compat: Serve) -> None:
    home = serve_compat(OPEN)
    with page(home) as response:
        assert response.status == 404


def test_pages_leave_connections_for_programs(serve_compat: Serve) -> None:
    home = serve_compat(OPEN, **SWITCHED)
    with contextlib.ExitStack() as stack:
        for _ in range(PAGES):
            check_events(stack.enter_context(page(home)), 1)
        with page(home) as response:
            assert response.status == 503
            assert json.loads(response.read())["error"] == "Too many pages show live data."
        check_messages(stack.enter_context(listening(home)))
