"""How often the monitor asks the PVS: rarely, whatever is broken."""

from __future__ import annotations

from unit.health.conftest import make_reply
from unit.monitor.conftest import MakeBridge

from pvs_bridge.host.probe import Signal


def test_a_healthy_pvs_is_asked_every_five_minutes(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.minutes(60)
    assert bridge.asked == 12


def test_a_run_in_between_does_not_connect_to_the_pvs(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.run()
    bridge.probe.connected.clear()
    bridge.now += 60
    bridge.run()
    # One connection to the proxy, whose port is the same.
    assert bridge.probe.connected == [80]
    assert bridge.asked == 1


def test_a_restarting_pvs_is_asked_at_most_once_per_cache_time(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge(proxy_seconds=120)
    bridge.run()
    bridge.probe.answers = [make_reply(503, b"", server=None) for _ in range(10)]
    bridge.now += 240
    bridge.minutes(10)
    assert bridge.asked <= 1 + 6
    bridge.probe.answers = []
    bridge.minutes(2)
    assert bridge.state.links[-1]["state"] == "ok"


def test_a_pvs_that_refuses_is_not_asked_more_often(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.probe.answers = [make_reply(body=b'{"result": "no"}') for _ in range(20)]
    bridge.minutes(60)
    assert bridge.state.links[-1]["outcome"] == "not_succeeded"
    assert bridge.asked == 12


def test_a_lost_home_network_causes_no_requests_to_the_pvs(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.minutes(60)
    assert bridge.asked == 12


def test_the_pvs_is_asked_within_two_runs_after_the_cable_is_back(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.run()
    bridge.probe.signals["eth0"] = Signal.NONE
    bridge.minutes(3)
    assert [link["state"] for link in bridge.state.links].count("unknown") == 3
    bridge.probe.signals["eth0"] = Signal.UP
    bridge.minutes(2)
    assert {link["state"] for link in bridge.state.links} == {"ok"}
