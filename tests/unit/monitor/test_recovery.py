"""The recovery plans: which steps are taken, in which order, and which never."""

from __future__ import annotations

import dataclasses
import errno

import pytest
from unit.health.conftest import make_reply
from unit.monitor.conftest import MakeBridge

from pvs_bridge.health.outcomes import OUTCOMES
from pvs_bridge.host.probe import Reply, Signal
from pvs_bridge.monitor.actions import NAMES
from pvs_bridge.monitor.links import ShownLink, may_recover_soon
from pvs_bridge.monitor.recovery import PLANS, REBOOT

_RESTARTS = ["systemctl reboot"]


def test_every_plan_has_known_actions_for_an_outcome_of_the_health_check() -> None:
    assert set(PLANS) - set(OUTCOMES) == set()
    for steps in PLANS.values():
        assert {step.action for step in steps} - set(NAMES) == set()
        times = [step.after_seconds for step in steps]
        assert times == sorted(times)


@pytest.mark.parametrize(
    "outcome",
    [
        name
        for name in OUTCOMES
        if name.startswith(("pvs_", "firmware_", "answer_", "not_", "damaged"))
        or name in ("no_cable", "no_lease", "other_network")
    ],
)
def test_a_broken_pvs_never_restarts_the_pi(outcome: str) -> None:
    assert REBOOT not in [step.action for step in PLANS.get(outcome, ())]


@pytest.mark.parametrize("answers", [True, False])
def test_a_port_that_another_program_has_never_restarts_the_pi(
    make_bridge: MakeBridge, answers: bool
) -> None:
    bridge = make_bridge()
    if answers:
        bridge.probe.identity = Reply(404, {"server": "lighttpd/1.4.79"}, b"not found")
    else:
        # It has another of haproxy's ports, so that haproxy does not start at all.
        bridge.probe.refuses[80] = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    bridge.minutes(13 * 60)
    assert 2 <= bridge.host.did.count("systemctl restart haproxy.service") <= 14
    assert "systemctl reboot" not in bridge.host.did


def test_a_healthy_bridge_causes_no_steps_and_no_events(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.minutes(120)
    assert (bridge.host.did, bridge.events) == ([], [])


def test_lost_wifi_is_reconnected_cycled_and_restarted_and_then_the_pi_is_restarted(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge()
    bridge.run()
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.minutes(60)
    assert bridge.host.did[:5] == [
        "nmcli --wait 45 device connect wlan0",
        "ip link set wlan0 down",
        "ip link set wlan0 up",
        "systemctl restart NetworkManager.service",
        "systemctl reboot",
    ]
    assert bridge.host.did.count("systemctl reboot") == 1


def test_dhcpcd_reconnects_with_wpa_supplicant(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(backend="dhcpcd")
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.minutes(12)
    assert bridge.host.did == [
        "wpa_cli -s /run/pvs-bridge-monitor -i wlan0 reassociate",
        "ip link set wlan0 down",
        "ip link set wlan0 up",
        "systemctl restart wpa_supplicant@wlan0.service dhcpcd.service",
    ]


def test_an_unplugged_home_cable_restarts_only_its_daemon(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge(backend="dhcpcd", uplink_type="ethernet")
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.minutes(50)
    assert bridge.host.did[2:] == ["systemctl restart dhcpcd.service"]


def test_an_uplink_that_is_not_configured_is_not_a_fault(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(uplink_type="none")
    bridge.probe.signals["wlan0"] = Signal.MISSING
    bridge.minutes(60)
    assert (bridge.host.did, bridge.events, bridge.asked) == ([], [], 12)


def test_the_pi_restarts_at_most_once_in_six_hours(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.minutes(40)
    assert bridge.host.did[-1:] == _RESTARTS
    restarts = [0]
    for _ in range(2):
        bridge.restart()
        bridge.host.did.clear()
        while "systemctl reboot" not in bridge.host.did:
            bridge.minutes(1)
        restarts.append(round(bridge.now))
    assert all(after >= 6 * 3600 for after in restarts[1:])


def test_the_pi_is_not_restarted_if_the_card_cannot_record_it(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.paths.rebooted.mkdir()
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.now = 7 * 3600
    bridge.minutes(60)
    assert "systemctl reboot" not in bridge.host.did


def test_reboots_can_be_disabled(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(reboots=False)
    bridge.probe.signals["wlan0"] = Signal.MISSING
    bridge.minutes(300)
    assert bridge.host.did == []


def test_steps_are_repeated_after_an_hour(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.probe.ips["eth0"] = []
    bridge.minutes(180)
    renewed = bridge.host.did.count("nmcli --wait 45 connection up pvs-bridge-link")
    assert renewed in (2, 3)


def test_a_default_route_through_the_pvs_is_removed_at_once(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.probe.routes = ["wlan0", "eth0"]
    bridge.run()
    assert bridge.host.did == [
        "ip -4 route flush default dev eth0",
        "ip -6 route flush default dev eth0",
    ]


def test_two_faults_are_repaired_in_parallel(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.probe.ips["eth0"] = []
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.minutes(4)
    assert bridge.host.did == [
        "nmcli --wait 45 connection up pvs-bridge-link",
        "nmcli --wait 45 device connect wlan0",
    ]


def test_a_stopped_daemon_is_restarted_at_the_second_run(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge()
    bridge.host.down = ["dnsmasq.service"]
    bridge.run()
    assert bridge.host.did == []
    bridge.minutes(1)
    assert bridge.host.did == ["systemctl restart dnsmasq.service"]


def test_a_missing_table_is_loaded_at_the_first_run_and_reported(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge()
    bridge.host.gone = ["pvs-bridge-firewall.service"]
    bridge.run()
    assert bridge.host.did == ["systemctl restart pvs-bridge-firewall.service"]
    bridge.minutes(5)
    assert len(bridge.host.did) == 1
    assert bridge.texts == [
        "pvs-bridge-firewall.service: its rules are missing in the kernel",
        "pvs-bridge-firewall.service: restarted pvs-bridge-firewall.service (done)",
        "pvs-bridge-firewall.service: recovered after 1 min",
    ]


def test_a_restarting_pvs_is_waited_for(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.run()
    bridge.now += 240
    bridge.probe.answers = [make_reply(503, b"", server=None) for _ in range(10)]
    bridge.minutes(10)
    bridge.probe.answers = []
    bridge.minutes(1)
    assert bridge.host.did == []
    assert [each["kind"] for each in bridge.events] == ["broken", "recovered"]
    assert bridge.texts[1] == "Device list: recovered after 10 min"


def test_no_step_is_taken_while_a_network_change_is_unconfirmed(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge()
    bridge.paths.unconfirmed.write_text("{}")
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.host.down = ["haproxy.service"]
    bridge.minutes(30)
    assert bridge.host.did == []


def test_a_failed_step_is_reported_with_its_error_and_the_next_one_follows(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge()
    bridge.host.fails = {
        "nmcli --wait 45 connection up pvs-bridge-link": "Error: no network with this name"
    }
    bridge.probe.ips["eth0"] = []
    bridge.minutes(10)
    assert "ip link set eth0 up" in bridge.host.did
    (failed,) = [text for text in bridge.texts if "failed: " in text]
    assert failed == (
        "Address from PVS: renewed the address of the interface to the PVS "
        "(failed: Error: no network with this name)"
    )


def test_a_pvs_in_the_home_network_is_waited_for_and_no_interface_is_touched(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge()
    bridge.health = dataclasses.replace(
        bridge.health, pvs_at_home=True, pvs_interface="wlan0", pvs_address="pvs6.local"
    )
    del bridge.probe.signals["eth0"], bridge.probe.ips["eth0"]
    bridge.run()
    links = [link["link"] for link in bridge.state.links]
    assert links == ["pvs", "proxy", "reach", "uplink", "answer"]
    assert {link["state"] for link in bridge.state.links} == {"ok"}
    bridge.probe.answers = [make_reply(504, b"{}")] * 200
    bridge.minutes(90)
    assert {fault.outcome for fault in bridge.state.faults} == {"pvs_silent"}
    assert bridge.host.did == []
    # The home network itself is repaired as ever, and the PVS is not asked without it.
    asked = bridge.asked
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.minutes(4)
    assert bridge.host.did == ["nmcli --wait 45 device connect wlan0"]
    assert bridge.asked == asked


@pytest.mark.parametrize(
    ("outcome", "state", "soon"),
    [
        ("no_cable", "broken", True),
        ("uplink_down", "broken", True),
        ("pvs_silent", "broken", True),
        # These take long, and each question costs the PVS a device list.
        ("firmware_locked", "broken", False),
        ("pvs_crashed", "broken", False),
        (None, "ok", False),
        (None, "unknown", False),
    ],
)
def test_the_monitor_runs_again_soon_while_a_person_may_repair_something(
    outcome: str | None, state: str, soon: bool
) -> None:
    found = [ShownLink("cable", "cable", "ok", ""), ShownLink("answer", "x", state, "", outcome)]
    assert may_recover_soon(found) is soon
