"""The recovery steps on both network backends, taken by the service in its sandbox."""

from __future__ import annotations

import time
from typing import Any

import pytest
from bridges.monitor.monitored import VARIABLES, MonitoredBridge


def events_of(page: dict[str, Any]) -> list[str]:
    """Return the events, the oldest first."""
    return [f"{each['kind']}: {each['text']}" for each in reversed(page["events"])]


@pytest.mark.core
def test_a_lost_address_from_the_pvs_is_renewed(bridge: MonitoredBridge) -> None:
    bridge.output("bridge", "ip -4 address flush dev eth0")
    page = bridge.run_monitor()
    assert (page["broken_link"], page["steps"]) == ("lease", {})
    assert bridge.age(130)["steps"] == {"renew": 1}
    assert bridge.recovers(), bridge.page()
    events = events_of(bridge.page())
    assert [each.split(":")[0] for each in events] == ["broken", "step", "recovered"]
    assert "renewed the address of the interface to the PVS (done)" in events[1]


def test_an_interface_is_switched_off_and_on(bridge: MonitoredBridge) -> None:
    bridge.output("bridge", "ip -4 address flush dev eth0")
    bridge.run_monitor()
    assert bridge.age(300, steps_done=1)["steps"] == {"cycle": 1}
    assert bridge.recovers(), bridge.page()


def test_a_lost_default_route_is_restored(bridge: MonitoredBridge) -> None:
    bridge.remove_default_route()
    page = bridge.run_monitor()
    outcomes = {each["link"]: each["outcome"] for each in page["links"]}
    assert (page["broken_link"], outcomes["uplink"]) == ("uplink", "uplink_no_route")
    assert bridge.age(130)["steps"] == {"renew": 1}
    assert bridge.recovers(), bridge.page()


def test_the_network_service_is_restarted(bridge: MonitoredBridge) -> None:
    bridge.remove_default_route()
    bridge.run_monitor()
    assert bridge.age(600, steps_done=2)["steps"] == {"restart-network": 1}
    assert bridge.recovers(), bridge.page()


def test_a_default_route_through_the_pvs_is_removed_at_the_first_run(
    bridge: MonitoredBridge,
) -> None:
    bridge.output("bridge", "ip route add default via 172.27.153.1 dev eth0 metric 5")
    assert bridge.run_monitor()["broken_link"] == "route"
    assert "default" not in bridge.output("bridge", "ip route show dev eth0")
    assert bridge.run_monitor()["healthy"]


@pytest.mark.core
def test_stopped_services_are_restarted_and_a_disabled_one_is_not(
    bridge: MonitoredBridge,
) -> None:
    bridge.output("bridge", "systemctl stop haproxy dnsmasq; systemctl disable --now avahi-daemon")
    try:
        bridge.output("bridge", "systemctl start pvs-bridge-monitor.service")
        # Not by bridge.run_monitor(): the page needs haproxy.
        assert bridge.run("bridge", "systemctl is-active haproxy")[1].strip() == "inactive"
        assert bridge.age(60)["steps"] == {"restart-unit": 2}
        active = "systemctl is-active haproxy dnsmasq avahi-daemon; true"
        assert bridge.output("bridge", active).split() == ["active", "active", "inactive"]
    finally:
        bridge.output("bridge", "systemctl enable --now avahi-daemon")


def test_missing_firewall_rules_are_loaded_at_the_first_run(
    bridge: MonitoredBridge,
) -> None:
    bridge.output("bridge", "nft flush ruleset")
    page = bridge.run_monitor()
    bridge.output("bridge", "nft list table inet pvs_bridge_firewall")
    assert page["steps"] == {"restart-unit": 1}
    assert "its rules are missing in the kernel" in events_of(page)[0]


def test_the_pvs_is_asked_once_in_five_minutes_however_often_the_monitor_runs(
    bridge: MonitoredBridge,
) -> None:
    bridge.simulator("/_sim/reset", {})
    for _ in range(5):
        assert bridge.run_monitor()["healthy"]
    assert bridge.simulator("/_sim/stats?log=0")["by_command"] == {}
    # Wait until the proxy's cached answer has expired.
    time.sleep(VARIABLES["proxy_cache_seconds"] + 1)
    bridge.age(300)
    assert bridge.simulator("/_sim/stats?log=0")["by_command"] == {"DeviceList": 1}


@pytest.mark.core
def test_an_unplugged_cable_is_shown_with_a_hint(bridge: MonitoredBridge) -> None:
    bridge.say("cable", "pvs", "out")
    try:
        page = bridge.run_monitor()
        assert page["broken_link"] == "cable"
        assert "Push both plugs in" in page["hint"]
        browser = "curl --silent --header 'Accept: text/html' --output /dev/null --write-out"
        code = bridge.output(
            "client", f"{browser} '%{{http_code}} %{{content_type}}' http://bridge/"
        )
        assert code == "503 text/html; charset=utf-8"
    finally:
        bridge.say("cable", "pvs", "in")
    assert bridge.recovers(), bridge.page()


def test_a_repair_shows_within_15_seconds(bridge: MonitoredBridge) -> None:
    bridge.say("cable", "pvs", "out")
    try:
        # The timer's first run is 20 seconds after its start.
        bridge.output("bridge", "systemctl start pvs-bridge-monitor.timer")
        assert bridge.until(lambda: bridge.page()["broken_link"] == "cable", 40)
        assert not bridge.page()["plant"]["current"]
        bridge.say("cable", "pvs", "in")
        address = "ip -4 -o address show dev eth0"
        assert bridge.until(lambda: bool(bridge.output("bridge", address)), 60)
        assert bridge.until(lambda: bridge.page()["broken_link"] != "cable", 15), bridge.page()
    finally:
        bridge.say("cable", "pvs", "in")
        bridge.output("bridge", "systemctl stop pvs-bridge-monitor.timer")
    assert bridge.recovers(), bridge.page()


def test_mdns_announces_the_bridge_and_if_configured_the_pvs(
    bridge: MonitoredBridge,
) -> None:
    ask = "dig +short +time=2 +tries=1 -p 5353 @192.168.20.20"
    assert bridge.until(
        lambda: "_pvs6._tcp.local." in bridge.output("client", f"{ask} _pvs6._tcp.local PTR")
    )
    answer = bridge.output("client", f"{ask} _pvs6._tcp.local PTR")
    assert '"serialnum=ZT' in answer
    assert '"path=/bridge/"' in bridge.output("client", f"{ask} _http._tcp.local PTR")


def test_the_last_step_restarts_the_pi_once_and_is_logged(bridge: MonitoredBridge) -> None:
    bridge.output("bridge", "rm -f /var/lib/pvs-bridge-monitor/rebooted; touch /run/before")
    bridge.remove_default_route()
    bridge.run_monitor()
    # The restart ends the command with an error.
    bridge.run("bridge", bridge.age_command(1800, steps_done=3))
    assert bridge.until(lambda: bridge.has_restarted("/run/before"), 90)
    bridge.wait_for_boot()
    bridge.output("bridge", "systemctl stop pvs-bridge-monitor.timer")
    assert bridge.exists("/var/lib/pvs-bridge-monitor/rebooted")
    assert bridge.until(lambda: bool(bridge.run_monitor()["healthy"]), 60), bridge.page()
    assert any("restarting the Pi" in each for each in events_of(bridge.page()))


def test_a_disabled_monitor_and_page_leave_no_files(bridge: MonitoredBridge) -> None:
    off = {**VARIABLES, "monitor_enabled": False, "status_enabled": False}
    off |= {"status_announce_pvs": False}
    bridge.good_run(off)
    left = "ls /etc/systemd/system /etc/pvs-bridge /etc/avahi/services /etc/haproxy/pvs-bridge"
    found = bridge.output("bridge", f"{left} /usr/local/lib/pvs-bridge/*").split()
    names = (
        "pvs-bridge-monitor",
        "pvs-bridge-status",
        "pvs-bridge-pvs",
        "status.html",
        "monitor.json",
    )
    assert [each for each in found if each.startswith((*names, "events.py", "metrics.py"))] == []
    assert "backend status" not in bridge.output("bridge", "cat /etc/haproxy/haproxy.cfg")
    assert bridge.provision(off).changed == []
