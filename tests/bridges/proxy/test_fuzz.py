"""Thousands of broken requests: none writes anything, and the bridge keeps working.

The environment variable ``PVS_BRIDGE_FUZZ_REQUESTS`` says how many each release gets, and
``PVS_BRIDGE_FUZZ_SEED`` which; a failure names the seed that it came from.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from bridges.proxy.home import DEVICE_LIST, HTTPS, Home
from bridges.proxy.judge import Judge
from bridges.proxy.spellings import CGI, MATCH, READ, corpus, form, live, request
from bridges.proxy.test_load import UPGRADE

from pvs_lab.process import wait_until

Serve = Callable[..., Home]

REQUESTS = int(os.environ.get("PVS_BRIDGE_FUZZ_REQUESTS", "8000"))
SEED = int(os.environ.get("PVS_BRIDGE_FUZZ_SEED", "1"))
BUILDS = (61707, 61846)

# What may turn one request into another, or one into two.
_PIECES = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\x00", b" ", b"\t", b":", b"&", b"?", b";", b"#", b"%",
    b"=", b"/", b"//", b"..", b"%00", b"%0d%0a", b"%2e", b"%2f", b"%26", b"%3f", b"0\r\n\r\n",
    b"\xff", b"\x80", b"Command=SetAP", b"&Command=StartDiscovery",
    b"&set=/sys/telemetryws/enable=1", b"GET ", b"POST ", b"HEAD ", b"/vars", b"/auth", CGI,
    b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b"http://bridge", b"Host: bridge\r\n",
    b"Content-Length: ", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Expect: 100-continue\r\n", b"5\r\n",
    b"ffffffff\r\n", b"Upgrade: h2c\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"x" * 3000,
]  # fmt: skip


def seeds() -> list[bytes]:
    """What is broken: requests that pass, as often as those that do not."""
    valid = [
        request(target, *more)
        for target in (CGI, CGI + b"?" + READ, CGI + b"?Command=Get_Comm", CGI + b"/devices/list",
                       b"/", b"/static/app.js?v=1", b"/vars?" + MATCH, b"/auth?login")
        for more in ((), (b"Accept: */*", b"User-Agent: program/1.0"))
    ]  # fmt: skip
    valid.append(request(b"/vars", *form(MATCH), method=b"POST", body=MATCH))
    # What is small is broken in a place that matters more often.
    spelt = [spelling.data for spelling in corpus() if len(spelling.data) < 4000]
    return spelt + valid * (len(spelt) // len(valid))


def broken(chance: random.Random, originals: list[bytes]) -> bytes:
    """A request that was changed in a few places."""
    data = chance.choice(originals).replace(b"@mark@", b"000000")
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 0, 1, 1, 2, 8, 40)))
        piece = chance.choice(
            (
                chance.choice(_PIECES),
                bytes([chance.randrange(256)]),
                data[start:end] * 2,
                data[start:end].swapcase(),
                b"",
                _part(chance, chance.choice(originals)),
            )
        )
        data = data[:start] + piece + data[end:]
    return data


def _part(chance: random.Random, data: bytes) -> bytes:
    """Some of another request."""
    start = chance.randrange(len(data) + 1)
    return data[start : start + chance.choice((4, 20, 200, 2000))]


@pytest.mark.parametrize("port", [80, HTTPS])
def test_no_broken_request_writes_anything_or_breaks_the_bridge(
    serve_compat: Serve, port: int
) -> None:
    # A PVS does not answer a question for a variable that it does not have.
    # Without a login hardly anything of /vars would reach what is tried here.
    opened = {"proxy_pvs_timeout_seconds": 5, "proxy_secrets_enabled": True}
    judge, chance, originals = Judge(), random.Random(SEED), seeds()  # noqa: S311 - to be repeated
    for number, build in enumerate(BUILDS * 2):
        requests = [broken(chance, originals) for _ in range(REQUESTS // 4)]
        home = serve_compat(build, **opened)
        found = judge.try_all(home, requests, half_close=number > 1, port=port)
        assert found == [], f"seed {SEED}"
    home = serve_compat(BUILDS[0], **opened)
    assert home.ask(DEVICE_LIST, port=port).status == 200, f"seed {SEED}"


def is_live(home: Home) -> bool:
    """Whether a client gets live data."""
    with home.connect(9002) as connection:
        connection.sendall(UPGRADE)
        return connection.recv(12) == b"HTTP/1.1 101"


def test_no_broken_request_for_live_data_writes_anything(serve_compat: Serve) -> None:
    judge, chance = Judge(), random.Random(SEED)  # noqa: S311 - to be repeated
    originals = [live(data) for data in seeds()] + [UPGRADE] * len(seeds())
    # The port serves few connections at once. Some of these requests hold one, on haproxy 2.6 for
    # half a minute.
    for number, build in enumerate(BUILDS):
        requests = [broken(chance, originals) for _ in range(REQUESTS // 200)]
        home = serve_compat(build)
        found = judge.try_all(home, requests, half_close=number > 0, port=9002)
        assert found == [], f"seed {SEED}"
    home = serve_compat(BUILDS[0])
    # haproxy may still hold connections of clients that are gone.
    assert wait_until(lambda: is_live(home), 60), f"seed {SEED}"
