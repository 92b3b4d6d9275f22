"""What is done about what stays broken, in which order, and what never is."""

from __future__ import annotations

import pytest
from unit.care.conftest import Watch
from unit.health.conftest import make_reply

from pvs_bridge.health.outcomes import OUTCOMES
from pvs_bridge.host.probe import Signal
from pvs_bridge.monitor.actions import NAMES
from pvs_bridge.monitor.recovery import LADDERS, REBOOT

_RESTARTS = ["systemctl reboot"]


def test_every_rung_is_a_step_against_an_outcome_of_the_health_check() -> None:
    assert set(LADDERS) - set(OUTCOMES) == set()
    for rungs in LADDERS.values():
        assert {rung.step for rung in rungs} - set(NAMES) == set()
        times = [rung.after_seconds for rung in rungs]
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
    assert REBOOT not in [rung.step for rung in LADDERS.get(outcome, ())]


def test_a_healthy_bridge_is_left_alone(watch: Watch) -> None:
    watched = watch()
    watched.minutes(120)
    assert (watched.hands.did, watched.incidents) == ([], [])


def test_a_wifi_that_is_gone_is_joined_cycled_restarted_and_then_the_pi_is(watch: Watch) -> None:
    watched = watch()
    watched.look()
    watched.world.signals["wlan0"] = Signal.NONE
    watched.minutes(60)
    assert watched.hands.did[:5] == [
        "nmcli --wait 45 device connect wlan0",
        "ip link set wlan0 down",
        "ip link set wlan0 up",
        "systemctl restart NetworkManager.service",
        "systemctl reboot",
    ]
    assert watched.hands.did.count("systemctl reboot") == 1


def test_on_dhcpcd_it_is_wpa_supplicant_that_is_asked(watch: Watch) -> None:
    watched = watch(backend="dhcpcd")
    watched.world.signals["wlan0"] = Signal.NONE
    watched.minutes(12)
    assert watched.hands.did == [
        "wpa_cli -s /run/pvs-bridge-monitor -i wlan0 reassociate",
        "ip link set wlan0 down",
        "ip link set wlan0 up",
        "systemctl restart wpa_supplicant@wlan0.service dhcpcd.service",
    ]


def test_a_cable_of_the_home_that_is_out_restarts_nothing_but_its_daemon(watch: Watch) -> None:
    watched = watch(backend="dhcpcd", uplink_type="ethernet")
    watched.world.signals["wlan0"] = Signal.NONE
    watched.minutes(50)
    assert watched.hands.did[2:] == ["systemctl restart dhcpcd.service"]


def test_a_home_that_is_not_described_yet_is_not_missed(watch: Watch) -> None:
    watched = watch(uplink_type="none")
    watched.world.signals["wlan0"] = Signal.MISSING
    watched.minutes(60)
    assert (watched.hands.did, watched.incidents, watched.asked) == ([], [], 12)


def test_the_pi_restarts_at_most_once_in_six_hours(watch: Watch) -> None:
    watched = watch()
    watched.world.signals["wlan0"] = Signal.NONE
    watched.minutes(40)
    assert watched.hands.did[-1:] == _RESTARTS
    restarts = [0]
    for _ in range(2):
        watched.restart()
        watched.hands.did.clear()
        while "systemctl reboot" not in watched.hands.did:
            watched.minutes(1)
        restarts.append(round(watched.now))
    assert all(after >= 6 * 3600 for after in restarts[1:])


def test_a_restart_that_cannot_be_remembered_is_not_made(watch: Watch) -> None:
    watched = watch()
    watched.places.rebooted.mkdir()
    watched.world.signals["wlan0"] = Signal.NONE
    watched.now = 7 * 3600
    watched.minutes(60)
    assert "systemctl reboot" not in watched.hands.did


def test_whoever_forbids_restarts_gets_none(watch: Watch) -> None:
    watched = watch(reboots=False)
    watched.world.signals["wlan0"] = Signal.MISSING
    watched.minutes(300)
    assert watched.hands.did == []


def test_steps_in_vain_are_taken_again_after_an_hour(watch: Watch) -> None:
    watched = watch()
    watched.world.ips["eth0"] = []
    watched.minutes(180)
    renewed = watched.hands.did.count("nmcli --wait 45 connection up pvs-bridge-link")
    assert renewed in (2, 3)


def test_a_default_route_through_the_pvs_is_removed_at_once(watch: Watch) -> None:
    watched = watch()
    watched.world.routes = ["wlan0", "eth0"]
    watched.look()
    assert watched.hands.did == [
        "ip -4 route flush default dev eth0",
        "ip -6 route flush default dev eth0",
    ]


def test_two_faults_are_repaired_side_by_side(watch: Watch) -> None:
    watched = watch()
    watched.world.ips["eth0"] = []
    watched.world.signals["wlan0"] = Signal.NONE
    watched.minutes(4)
    assert watched.hands.did == [
        "nmcli --wait 45 connection up pvs-bridge-link",
        "nmcli --wait 45 device connect wlan0",
    ]


def test_a_daemon_that_does_not_run_is_restarted_at_the_second_look(watch: Watch) -> None:
    watched = watch()
    watched.hands.down = ["dnsmasq.service"]
    watched.look()
    assert watched.hands.did == []
    watched.minutes(1)
    assert watched.hands.did == ["systemctl restart dnsmasq.service"]


def test_a_table_that_is_gone_is_loaded_again_at_the_first_look_and_told(watch: Watch) -> None:
    watched = watch()
    watched.hands.gone = ["pvs-bridge-firewall.service"]
    watched.look()
    assert watched.hands.did == ["systemctl restart pvs-bridge-firewall.service"]
    watched.minutes(5)
    assert len(watched.hands.did) == 1
    assert watched.texts == [
        "pvs-bridge-firewall.service: its rules are gone from the kernel",
        "pvs-bridge-firewall.service: restarted pvs-bridge-firewall.service (done)",
        "pvs-bridge-firewall.service: well again after 1 min",
    ]


def test_a_pvs_that_restarts_is_waited_for(watch: Watch) -> None:
    watched = watch()
    watched.look()
    watched.now += 240
    watched.world.answers = [make_reply(503, b"", server=None) for _ in range(10)]
    watched.minutes(10)
    watched.world.answers = []
    watched.minutes(1)
    assert watched.hands.did == []
    assert [each["kind"] for each in watched.incidents] == ["broken", "recovered"]
    assert watched.texts[1] == "Device list: well again after 10 min"


def test_while_a_change_of_the_network_is_not_confirmed_nothing_is_done(watch: Watch) -> None:
    watched = watch()
    watched.places.unconfirmed.write_text("{}")
    watched.world.signals["wlan0"] = Signal.NONE
    watched.hands.down = ["haproxy.service"]
    watched.minutes(30)
    assert watched.hands.did == []


def test_a_step_that_fails_is_written_down_with_the_reason_and_the_next_comes(
    watch: Watch,
) -> None:
    watched = watch()
    watched.hands.fails = {
        "nmcli --wait 45 connection up pvs-bridge-link": "Error: no network with this name"
    }
    watched.world.ips["eth0"] = []
    watched.minutes(10)
    assert "ip link set eth0 up" in watched.hands.did
    (failed,) = [text for text in watched.texts if "tried and failed" in text]
    assert failed == (
        "Address from PVS: asked for an address towards the PVS again "
        "(tried and failed: Error: no network with this name)"
    )
