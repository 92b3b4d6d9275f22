"""Clients that hold connections to any port leave port 80 to the others."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
from attack_table import AttackTable
from bridges.proxy.home import Home, is_refusal
from bridges.proxy.owner import LOCKED

from proxy_rig.rendering import variables
from pvs_sim.faults import Fault

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: bridge\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LIMIT_SECONDS = 2.0
KINDS: dict[str, tuple[int, bytes]] = {
    "websockets": (9002, UPGRADE),
    "half a request for live data": (9002, b"GET / HTTP/1.1\r\nHost: "),
    "half a request": (80, b"GET / HTTP/1.1\r\nHost: "),
    "a TLS handshake that stops": (443, b"\x16\x03\x01\x02\x00\x01"),
    "a slow reader": (80, b"GET /static/app.js HTTP/1.1\r\nHost: bridge\r\n\r\n"),
}


def hold(home: Home, port: int, data: bytes, source: str) -> Iterator[socket.socket]:
    """Open connections that send something and read nothing, until the bridge accepts no more."""
    for _ in range(560):
        try:
            held = home.world.connect(port, source=source, timeout_seconds=0.2)
        except TimeoutError:
            return
        except OSError:
            continue
        yield held
        with contextlib.suppress(OSError):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            held.sendall(data)


@pytest.mark.parametrize("addresses", [1, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_another_client_gets_a_cached_answer_in_two_seconds(
    home: Home, attack_table: AttackTable, kind: str, addresses: int
) -> None:
    port, data = KINDS[kind]
    attempts = 0
    with home.bridge(proxy_https_enabled=True), contextlib.ExitStack() as stack:
        assert home.ask().status == 200
        for index in range(addresses):
            for held in hold(home, port, data, f"192.168.20.{100 + index}"):
                stack.enter_context(held)
                attempts += 1
        found = home.timed(timeout_seconds=10)
        attack_table.add(
            f"{kind}, held by {addresses}", attempts=attempts, **home.seen(),
            longest_wait_seconds=found.seconds,
        )  # fmt: skip
        assert found.answer.status == 200
        assert found.seconds < LIMIT_SECONDS


def test_the_limits_of_all_frontends_fit_into_the_limit_of_haproxy() -> None:
    limits = variables({})["__proxy_frontend_connections"]
    passthrough_ports = 4
    total = sum(limits.values()) + (passthrough_ports - 1) * limits["passthrough"]
    assert total < 512


def test_variables_that_the_pvs_does_not_answer_occupy_it_for_half_a_minute(home: Home) -> None:
    home.pvs.call(lambda box: box.install(LOCKED))
    home.pvs.call(lambda box: box.faults.add([Fault("silence", count=1, path="/vars")]))
    with home.bridge():
        found = home.timed("/vars?name=/sys/info/model", timeout_seconds=60)
    assert found.answer.status == 504
    assert is_refusal(found.answer)
    assert found.seconds < 35
