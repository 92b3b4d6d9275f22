"""However a write is spelt, it does not reach the PVS, and neither does anything unknown.

Without a login /vars lets hardly anything through, so that it is opened here: what is tried is the
guard behind it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from attack_table import AttackTable
from bridges.proxy.home import HTTPS, Home
from bridges.proxy.judge import Judge
from bridges.proxy.owner import LOCKED
from bridges.proxy.spellings import corpus, live
from bridges.proxy.volley import volley

from proxy_rig.world import PVS, World
from pvs_sim import Simulator

Serve = Callable[..., Home]

CORPUS = corpus()
OPEN = 61707


@pytest.mark.parametrize("port", [80, HTTPS])
@pytest.mark.parametrize("build", [LOCKED, pytest.param(OPEN, marks=pytest.mark.slow)])
def test_no_spelling_of_a_write_reaches_the_pvs(serve_compat: Serve, build: int, port: int) -> None:
    home = serve_compat(build, proxy_secrets_enabled=True)
    assert Judge().try_all(home, [spelling.data for spelling in CORPUS], port=port) == []


# Upgraded connections of the corpus would fill the port, so a part of it is tried.
@pytest.mark.parametrize("build", [LOCKED, OPEN])
def test_no_spelling_reaches_the_live_data(
    serve_compat: Serve, attack_table: AttackTable, build: int
) -> None:
    home = serve_compat(build)
    requests = [live(spelling.data) for spelling in CORPUS[::20]] + [
        each.data for each in CORPUS[7::20]
    ]
    found = Judge().try_all(home, requests, port=9002)
    stats = home.stats()
    attack_table.add(
        "spellings of a write (port 9002)",
        attempts=len(requests),
        arrived=stats["requests"],
        writes=stats["writes"]["count"],
    )
    assert found == []


@pytest.mark.parametrize("mode", ["routed", "both"])
def test_no_spelling_passes_the_proxy_of_a_bridge_that_routes(
    serve_compat: Serve, mode: str
) -> None:
    home = serve_compat(bridge_mode=mode, proxy_secrets_enabled=True)
    requests = [spelling.data for spelling in CORPUS[::20]]
    assert Judge().try_all(home, requests, own=mode == "routed") == []


def test_an_open_command_and_variable_open_no_spelling_of_another(serve_compat: Serve) -> None:
    commands, names = ["StartDiscovery"], ["/sys/telemetryws/enable"]
    opened: dict[str, Any] = {"proxy_allow_commands": commands, "proxy_allow_variables": names}
    home = serve_compat(proxy_writes_acknowledged=True, proxy_secrets_enabled=True, **opened)
    assert Judge(commands, names).try_all(home, [spelling.data for spelling in CORPUS]) == []


def test_the_corpus_would_find_a_hole(world: World, pvs: Simulator) -> None:
    pvs.call(lambda box: box.reset(state=True))
    pvs.call(lambda box: box.install(LOCKED))

    def connect() -> socket.socket:
        # The PVS knows no way to the home's addresses.
        return world.connect(80, PVS, source="172.27.153.2")

    volley(connect, [each.data for each in CORPUS], at_once=80)
    # The simulator does not read all spellings as a write; another firmware might.
    assert pvs.stats()["writes"]["count"] > len(CORPUS) / 3
