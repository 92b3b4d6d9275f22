"""The PVS may finish what it works on before haproxy's next process begins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from proxy.home import Home

from proxy_rig.haproxy import Haproxy
from pvs_bridge.proxy.drain import Turns, reload

START = "/cgi-bin/dl_cgi?Command=Start"
LIST = "/cgi-bin/dl_cgi/devices/list"


@pytest.fixture
def haproxy(home: Home) -> Iterator[Haproxy]:
    """Run haproxy in front of a PVS that takes two seconds."""
    with home.bridge(proxy_cache_seconds=0) as running:
        home.pvs.call(lambda box: box.set_settings({"latency_seconds": 2.0}))
        yield running


@pytest.fixture
def turns(haproxy: Haproxy) -> Turns:
    """Its interface for administrators."""
    return Turns(haproxy.admin_socket)


def work(home: Home, pool: ThreadPoolExecutor) -> None:
    """Have the PVS work on something."""
    pool.submit(home.ask, LIST)
    while not home.stats()["in_flight"]["total"]:
        time.sleep(0.01)


def test_while_it_is_held_the_pvs_gets_nothing_and_the_home_an_answer(
    home: Home, turns: Turns
) -> None:
    with home.clients(1) as pool:
        work(home, pool)
        assert turns.hold(10)
    assert home.stats()["in_flight"]["total"] == 0
    assert home.ask(START).status == 503
    assert home.stats()["by_command"] == {"devices/list": 1}


def test_a_sick_pvs_is_not_awaited_for_ever(home: Home, turns: Turns) -> None:
    with home.clients(1) as pool:
        work(home, pool)
        assert not turns.hold(0.5)
        assert home.stats()["in_flight"]["total"] == 1


def test_a_new_process_begins_when_the_pvs_is_done(
    home: Home, turns: Turns, haproxy: Haproxy
) -> None:
    before = turns.process()
    with home.clients(2) as pool:
        work(home, pool)
        assert reload(turns, haproxy.pid) == 0
        assert turns.process() not in {before, ""}
        assert home.ask(START).status == 200
    stats = home.stats()
    assert stats["most_in_flight"]["total"] == 1
    assert stats["by_command"] == {"devices/list": 1, "Start": 1}


def test_a_process_that_does_not_come_leaves_the_old_one_at_work(
    home: Home, turns: Turns, haproxy: Haproxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pvs_bridge.proxy.drain.RELOAD_SECONDS", 2.0)
    with haproxy.configuration.open("a") as configuration:
        configuration.write("nonsense\n")
    assert reload(turns, haproxy.pid) == 1
    assert home.ask(START).status == 200
