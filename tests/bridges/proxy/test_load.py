"""While attackers hold connections to every port, another client gets its cached answer."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable

import pytest
from attack_table import AttackTable
from bridges.proxy.attackers import Attackers, Habit
from bridges.proxy.home import DEVICE_LIST, Home
from bridges.proxy.owner import OPEN

Serve = Callable[..., Home]

HOST = b"Host: bridge\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: bridge\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
CACHED = b"GET %b HTTP/1.1\r\n%b\r\n" % (DEVICE_LIST.encode(), HOST)
HABITS = {
    "slow readers of a large file": Habit(
        80, b"GET /static/library.js HTTP/1.1\r\n%b\r\n" % HOST, reads=200
    ),
    "slow readers of many cached answers": Habit(80, CACHED * 100, reads=1),
    "slow senders of a header": Habit(80, b"GET / HTTP/1.1\r\n%bX: " % HOST, drop=b"x"),
    "slow senders of a body": Habit(
        80, b"POST /vars HTTP/1.1\r\n%bContent-Length: 9999\r\n\r\n" % HOST, drop=b"x"
    ),
    "held WebSockets": Habit(9002, UPGRADE),
    "WebSockets that do not read": Habit(9002, UPGRADE, reads=1),
    "half requests for live data": Habit(9002, UPGRADE[:60], drop=b"x"),
    "half TLS handshakes": Habit(443, b"\x16\x03\x01\x3f\x00\x01\x00\x3e\xfc\x03\x03", drop=b"\0"),
}
DEFAULTS = {
    "proxy_cache_seconds": 30,
    "proxy_client_requests_per_minute": 1200,
    "proxy_queue_length": 64,
}
LOAD_SECONDS = 3.0
LIMIT_SECONDS = 2.0
MEMORY_MIB = 64
"""Of the 96 MiB of its unit (MemoryMax)."""


@pytest.mark.parametrize(
    "addresses", [pytest.param(1, marks=pytest.mark.slow), pytest.param(5), 50]
)
@pytest.mark.parametrize("kind", HABITS)
def test_another_client_gets_a_cached_answer_in_two_seconds(
    serve_compat: Serve, attack_table: AttackTable, kind: str, addresses: int
) -> None:
    home = serve_compat(OPEN, **DEFAULTS)
    sources = [f"192.168.20.{100 + index}" for index in range(addresses)]
    assert home.ask().status == 200
    waits, memory = [], 0.0
    with Attackers(home.world, HABITS[kind], sources) as attackers:
        end = time.monotonic() + LOAD_SECONDS
        while time.monotonic() < end:
            found = home.timed(timeout_seconds=10)
            assert found.answer.status == 200
            waits.append(found.seconds)
            memory = max(memory, memory_mib(home))
            time.sleep(0.1)
    attack_table.add(
        f"{kind}, from {addresses}", attempts=attackers.attempts, **home.seen(),
        longest_wait_seconds=max(waits),
    )  # fmt: skip
    assert max(waits) < LIMIT_SECONDS
    assert memory < MEMORY_MIB
    assert home.seen()["most_in_flight"] <= 1


def memory_mib(home: Home) -> float:
    """The memory of haproxy, and what the kernel has buffered for its clients."""
    assert home.haproxy is not None
    resident = sum(
        int(re.findall(r"Pss:\s+(\d+) kB", each.read_text())[0]) for each in home.haproxy.memory()
    )
    words = ["nsenter", f"--target={home.haproxy.pid}", "--net", "ss", "-Htmn",
             "( sport = :80 or sport = :443 or sport = :9002 )"]  # fmt: skip
    sockets = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    buffered = sum(int(size) for size in re.findall(r"[,(][rw](\d+)", sockets))
    return resident / 1024 + buffered / 1024**2
