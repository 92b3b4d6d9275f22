"""How often the PVS is asked: as seldom as can be, whatever is broken."""

from __future__ import annotations

from unit.care.conftest import Watch
from unit.health.conftest import make_reply

from pvs_bridge.host.probe import Signal


def test_a_healthy_pvs_is_asked_every_five_minutes(watch: Watch) -> None:
    watched = watch()
    watched.minutes(60)
    assert watched.asked == 12


def test_a_look_in_between_does_not_even_connect_to_the_pvs(watch: Watch) -> None:
    watched = watch()
    watched.look()
    watched.world.connected.clear()
    watched.now += 60
    watched.look()
    # The proxy's, on the Pi itself, is the same port; it is looked at once.
    assert watched.world.connected == [80]
    assert watched.asked == 1


def test_a_pvs_that_restarts_is_asked_once_in_the_proxy_s_time_and_not_after_it(
    watch: Watch,
) -> None:
    watched = watch(proxy_seconds=120)
    watched.look()
    watched.world.answers = [make_reply(503, b"", server=None) for _ in range(10)]
    watched.now += 240
    watched.minutes(10)
    assert watched.asked <= 1 + 6
    watched.world.answers = []
    watched.minutes(2)
    assert watched.memory.links[-1]["state"] == "ok"


def test_a_pvs_that_refuses_is_not_asked_more_often_for_it(watch: Watch) -> None:
    watched = watch()
    watched.world.answers = [make_reply(body=b'{"result": "no"}') for _ in range(20)]
    watched.minutes(60)
    assert watched.memory.links[-1]["outcome"] == "not_succeeded"
    assert watched.asked == 12


def test_a_home_that_is_gone_costs_the_pvs_nothing(watch: Watch) -> None:
    watched = watch()
    watched.world.signals["wlan0"] = Signal.NONE
    watched.minutes(60)
    assert watched.asked == 12


def test_a_cable_that_is_back_is_asked_through_within_two_looks(watch: Watch) -> None:
    watched = watch()
    watched.look()
    watched.world.signals["eth0"] = Signal.NONE
    watched.minutes(3)
    assert [link["state"] for link in watched.memory.links].count("unknown") == 3
    watched.world.signals["eth0"] = Signal.UP
    watched.minutes(2)
    assert {link["state"] for link in watched.memory.links} == {"ok"}
