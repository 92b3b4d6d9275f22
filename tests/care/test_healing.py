"""The real steps on a real Pi of either backend, taken by the service in its sandbox."""

from __future__ import annotations

import time
from typing import Any

import pytest
from care.patient import VARIABLES, Patient


def told(page: dict[str, Any]) -> list[str]:
    """The incidents, the oldest first."""
    return [f"{each['kind']}: {each['text']}" for each in reversed(page["incidents"])]


@pytest.mark.core
def test_an_address_of_the_pvs_that_is_lost_is_asked_for_again(patient: Patient) -> None:
    patient.output("bridge", "ip -4 address flush dev eth0")
    page = patient.look()
    assert (page["broken_link"], page["steps"]) == ("lease", {})
    assert patient.age(130)["steps"] == {"renew": 1}
    assert patient.recovers(), patient.page()
    incidents = told(patient.page())
    assert [each.split(":")[0] for each in incidents] == ["broken", "step", "recovered"]
    assert "asked for an address towards the PVS again (done)" in incidents[1]


def test_an_interface_is_switched_off_and_on(patient: Patient) -> None:
    patient.output("bridge", "ip -4 address flush dev eth0")
    patient.look()
    assert patient.age(300, climbed=1)["steps"] == {"cycle": 1}
    assert patient.recovers(), patient.page()


def test_the_way_home_that_is_lost_is_found_again(patient: Patient) -> None:
    patient.lose_the_way_home()
    page = patient.look()
    assert (page["broken_link"], page["chain"][5]["outcome"]) == ("uplink", "uplink_no_route")
    assert patient.age(130)["steps"] == {"renew": 1}
    assert patient.recovers(), patient.page()


def test_what_configures_the_network_is_restarted(patient: Patient) -> None:
    patient.lose_the_way_home()
    patient.look()
    assert patient.age(600, climbed=2)["steps"] == {"restart-network": 1}
    assert patient.recovers(), patient.page()


def test_a_default_route_through_the_pvs_is_removed_at_the_first_look(patient: Patient) -> None:
    patient.output("bridge", "ip route add default via 172.27.153.1 dev eth0 metric 5")
    assert patient.look()["broken_link"] == "route"
    assert "default" not in patient.output("bridge", "ip route show dev eth0")
    assert patient.look()["healthy"]


@pytest.mark.core
def test_services_that_have_stopped_are_restarted_and_one_that_is_disabled_is_not(
    patient: Patient,
) -> None:
    patient.output("bridge", "systemctl stop haproxy dnsmasq; systemctl disable --now avahi-daemon")
    try:
        patient.output("bridge", "systemctl start pvs-bridge-monitor.service")
        # haproxy is what the page comes by.
        assert patient.run("bridge", "systemctl is-active haproxy")[1].strip() == "inactive"
        assert patient.age(60)["steps"] == {"restart-unit": 2}
        active = "systemctl is-active haproxy dnsmasq avahi-daemon; true"
        assert patient.output("bridge", active).split() == ["active", "active", "inactive"]
    finally:
        patient.output("bridge", "systemctl enable --now avahi-daemon")


def test_a_firewall_whose_rules_are_gone_from_the_kernel_is_loaded_at_the_first_look(
    patient: Patient,
) -> None:
    patient.output("bridge", "nft flush ruleset")
    page = patient.look()
    patient.output("bridge", "nft list table inet pvs_bridge_firewall")
    assert page["steps"] == {"restart-unit": 1}
    assert "its rules are gone from the kernel" in told(page)[0]


def test_the_pvs_is_asked_once_in_five_minutes_however_often_it_is_looked(
    patient: Patient,
) -> None:
    patient.simulator("/_sim/reset", {})
    for _ in range(5):
        assert patient.look()["healthy"]
    assert patient.simulator("/_sim/stats?log=0")["by_command"] == {}
    # Else the proxy has an answer that is as good.
    time.sleep(VARIABLES["proxy_cache_seconds"] + 1)
    patient.age(300)
    assert patient.simulator("/_sim/stats?log=0")["by_command"] == {"DeviceList": 1}


@pytest.mark.core
def test_a_cable_that_is_out_is_told_to_the_home_with_the_hint(patient: Patient) -> None:
    patient.say("cable", "pvs", "out")
    try:
        page = patient.look()
        assert page["broken_link"] == "cable"
        assert "Push both plugs in" in page["hint"]
        browser = "curl --silent --header 'Accept: text/html' --output /dev/null --write-out"
        code = patient.output(
            "client", f"{browser} '%{{http_code}} %{{content_type}}' http://bridge/"
        )
        assert code == "503 text/html; charset=utf-8"
    finally:
        patient.say("cable", "pvs", "in")
    assert patient.recovers(), patient.page()


def test_mdns_tells_the_bridge_and_the_pvs_whose_announcement_was_asked_for(
    patient: Patient,
) -> None:
    ask = "dig +short +time=2 +tries=1 -p 5353 @192.168.20.20"
    assert patient.until(
        lambda: "_pvs6._tcp.local." in patient.output("client", f"{ask} _pvs6._tcp.local PTR")
    )
    answer = patient.output("client", f"{ask} _pvs6._tcp.local PTR")
    assert '"serialnum=ZT' in answer
    assert '"path=/bridge/"' in patient.output("client", f"{ask} _http._tcp.local PTR")


def test_the_last_resort_restarts_the_pi_once_and_says_so(patient: Patient) -> None:
    patient.output("bridge", "rm -f /var/lib/pvs-bridge-monitor/rebooted; touch /run/before")
    patient.lose_the_way_home()
    patient.look()
    # The service is gone before it has ended.
    patient.run("bridge", patient.older(1800, climbed=3))
    assert patient.until(lambda: patient.has_restarted("/run/before"), 90)
    patient.wait_for_boot()
    patient.output("bridge", "systemctl stop pvs-bridge-monitor.timer")
    assert patient.exists("/var/lib/pvs-bridge-monitor/rebooted")
    assert patient.until(lambda: bool(patient.look()["healthy"]), 60), patient.page()
    assert any("restarts the Pi" in each for each in told(patient.page()))


def test_a_bridge_that_is_to_be_left_to_itself_has_nothing_of_it(patient: Patient) -> None:
    off = {**VARIABLES, "monitor_enabled": False, "status_enabled": False}
    off |= {"status_announce_pvs": False}
    patient.good_run(off)
    left = "ls /etc/systemd/system /etc/pvs-bridge /etc/avahi/services /etc/haproxy/pvs-bridge"
    found = patient.output("bridge", f"{left} /usr/local/lib/pvs-bridge/*").split()
    names = (
        "pvs-bridge-monitor",
        "pvs-bridge-status",
        "pvs-bridge-pvs",
        "status.html",
        "monitor.json",
    )
    assert [each for each in found if each.startswith((*names, "incidents.py", "metrics.py"))] == []
    assert "backend status" not in patient.output("bridge", "cat /etc/haproxy/haproxy.cfg")
    assert patient.provision(off).changed == []
