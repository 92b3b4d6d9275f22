"""A PVS that is known by its mDNS name is asked where it is now."""

from __future__ import annotations

import contextlib
import functools
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bridges.proxy.home import Home
from bridges.proxy.owner import new_api

from proxy_rig.world import BRIDGE, PVS
from pvs_lab.process import wait_until
from pvs_sim import Options, Settings, Simulator

NAME = "pvs6.local"
# The bridge's own address in the network around the PVS.
NEAR = "172.27.153.2"
# The only variable that the PVS itself answers without the compat service.
REVISION = "/vars?name=/sys/info/sw_rev"
UNUSED = "172.27.153.9"
SECOND = "172.27.153.8"
ROUTER = "172.27.153.7"
AT_HOME = {"pvs_link_type": "home", "pvs_link_pvs_address": NAME}
Serve = Callable[..., Home]


class Avahi(socketserver.ThreadingUnixStreamServer):
    """The socket of avahi-daemon: answers each question for the name with an address.

    Attributes:
        address: the one; empty if no machine has the name.
    """

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        """Listen."""
        self.address = ""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Of an earlier test with the same haproxy.
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Question)
        path.chmod(0o666)


class _Question(socketserver.StreamRequestHandler):
    server: Avahi

    def handle(self) -> None:
        asked = self.rfile.readline().decode()
        answer = "-15 Timeout reached"
        if asked == f"RESOLVE-HOSTNAME-IPV4 {NAME}\n" and self.server.address:
            answer = f"+ 2 0 {NAME} {self.server.address}"
        self.wfile.write(f"{answer}\n".encode())


@contextlib.contextmanager
def avahi(home: Home) -> Iterator[Avahi]:
    """Run avahi's socket beside haproxy."""
    assert home.haproxy is not None
    path = Path(f"/proc/{home.haproxy.pid}/root/run/avahi-daemon/socket")
    with Avahi(path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def is_told(log: Path, text: str) -> bool:
    """Whether haproxy has logged a text."""
    return text in log.read_text()


def answers(home: Home, **how: Any) -> bool:  # noqa: ANN401 - as ask's
    """Whether the PVS answers through the bridge."""
    return home.ask(timeout_seconds=10, **how).status == 200


@pytest.fixture
def at_home(serve: Serve) -> Iterator[tuple[Home, Avahi]]:
    """A bridge whose PVS is known by its name, which no machine has yet."""
    home = serve(**AT_HOME)
    with avahi(home) as server:
        yield home, server


def test_the_bridge_follows_the_address(at_home: tuple[Home, Avahi]) -> None:
    home, server = at_home
    assert not answers(home)
    server.address = UNUSED
    log = home.haproxy.log if home.haproxy else Path()
    assert wait_until(lambda: is_told(log, f"{NAME} is at {UNUSED}"), 20)
    assert not answers(home)
    server.address = PVS
    assert wait_until(lambda: answers(home), 30)
    # The guard is the same.
    assert home.ask("/cgi-bin/dl_cgi?Command=StartDiscovery").status == 403
    # Every machine in the home can answer to a name.
    home.world.bridge.ip("route", "add", "default", "via", ROUTER)
    try:
        for impossible in (BRIDGE, ROUTER, "127.0.0.1", "203.0.113.1"):
            server.address = impossible
            told = f"{NAME} is at {impossible}, which cannot be the PVS"
            assert wait_until(functools.partial(is_told, log, told), 20), impossible
            assert answers(home), impossible
    finally:
        home.world.bridge.ip("route", "delete", "default")


@contextlib.contextmanager
def pvs_by_https_alone(home: Home) -> Iterator[Simulator]:
    """Run another PVS in the network, whose port 80 refuses connections."""
    options = Options(
        host=SECOND,
        http_port=None,
        https_port=443,
        websocket_port=None,
        firmware=61707,
        settings=Settings(latency_seconds=0.2),
    )
    home.world.pvs.ip("address", "replace", f"{SECOND}/24", "dev", "lan1")
    simulator = home.world.pvs.call(lambda: Simulator(options).__enter__())
    try:
        yield simulator
    finally:
        simulator.__exit__(None, None, None)
        home.world.pvs.ip("address", "delete", f"{SECOND}/24", "dev", "lan1")


def test_a_pvs_without_port_80_is_asked_by_https(at_home: tuple[Home, Avahi]) -> None:
    home, server = at_home
    with pvs_by_https_alone(home) as pvs:
        server.address = SECOND
        assert wait_until(lambda: answers(home) and pvs.stats()["requests"] > 0, 60)
        assert home.ask("/").status == 200
        assert home.ask("/cgi-bin/dl_cgi?Command=StartDiscovery").status == 403
        assert {each.answer.status for each in home.burst(10)} == {200}
        assert {record["listener"] for record in pvs.log()} == {"https"}
        assert pvs.stats()["most_in_flight"]["total"] == 1
        # Back to the one with port 80.
        server.address = PVS
        home.settle()
        assert wait_until(lambda: answers(home) and home.stats()["requests"] > 0, 60)
    assert home.pvs.log()[-1]["listener"] in {"http", "https"}


def test_the_newer_api_is_read_by_machines_in_the_network_of_the_pvs(
    at_home: tuple[Home, Avahi],
) -> None:
    home, server = new_api(at_home[0]), at_home[1]
    server.address = PVS
    assert wait_until(lambda: home.ask(REVISION, source=NEAR, address=NEAR).status == 200, 60)
    assert home.pvs.log()[-1]["listener"] == "https"
