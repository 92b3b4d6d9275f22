"""The PVS finishes its request before haproxy's next process starts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from bridges.proxy.home import Home
from bridges.proxy.owner import new_api

from proxy_rig.haproxy import Haproxy
from pvs_bridge.proxy.drain import AdminSocket, reload
from pvs_sim.faults import Fault

START = "/cgi-bin/dl_cgi?Command=Start"
MODEL = "/vars?name=/sys/info/model"
LIST = "/cgi-bin/dl_cgi/devices/list"


@pytest.fixture
def haproxy(home: Home) -> Iterator[Haproxy]:
    """Run haproxy in front of a PVS that takes two seconds."""
    with home.bridge(proxy_cache_seconds=0) as running:
        home.pvs.call(lambda box: box.set_settings({"latency_seconds": 2.0}))
        yield running


@pytest.fixture
def admin(haproxy: Haproxy) -> AdminSocket:
    """The runtime API of haproxy."""
    return AdminSocket(haproxy.admin_socket)


def work(home: Home, pool: ThreadPoolExecutor, target: str = LIST) -> None:
    """Send a request to the PVS, and wait until it handles it."""
    pool.submit(home.ask, target)
    while not home.stats()["in_flight"]["total"]:
        time.sleep(0.01)


def test_while_draining_the_pvs_gets_no_request_and_clients_get_503(
    home: Home, admin: AdminSocket
) -> None:
    with home.clients(1) as pool:
        work(home, pool)
        assert admin.drain(10)
    assert home.stats()["in_flight"]["total"] == 0
    assert home.ask(START).status == 503
    assert home.stats()["by_command"] == {"devices/list": 1}


def test_draining_stops_waiting_for_a_pvs_that_hangs(home: Home, admin: AdminSocket) -> None:
    with home.clients(1) as pool:
        work(home, pool)
        assert not admin.drain(0.5)
        assert home.stats()["in_flight"]["total"] == 1


def test_a_new_process_starts_after_the_pvs_has_answered(
    home: Home, admin: AdminSocket, haproxy: Haproxy
) -> None:
    before = admin.process()
    with home.clients(2) as pool:
        work(home, pool)
        assert reload(admin, haproxy.pid) == 0
        assert admin.process() not in {before, ""}
        assert home.ask(START).status == 200
    stats = home.stats()
    assert stats["most_in_flight"]["total"] == 1
    assert stats["by_command"] == {"devices/list": 1, "Start": 1}


def test_a_new_process_waits_for_an_answer_by_https_too(
    home: Home, admin: AdminSocket, haproxy: Haproxy
) -> None:
    new_api(home)
    home.pvs.call(lambda box: box.faults.add([Fault("delay", path="/vars", seconds=2.0)]))
    with home.clients(1) as pool:
        work(home, pool, MODEL)
        assert reload(admin, haproxy.pid) == 0
        assert home.ask("/").status == 200
    stats = home.stats()
    assert stats["most_in_flight"]["total"] == 1
    assert stats["by_path"] == {"/vars": 1, "/": 1}


def test_a_rejected_configuration_keeps_the_old_process_running(
    home: Home, admin: AdminSocket, haproxy: Haproxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pvs_bridge.proxy.drain.RELOAD_SECONDS", 2.0)
    with haproxy.configuration.open("a") as configuration:
        configuration.write("nonsense\n")
    assert reload(admin, haproxy.pid) == 1
    assert home.ask(START).status == 200
