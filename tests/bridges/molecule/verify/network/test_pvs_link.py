"""The PVS's side: an address, and nothing else, whatever the PVS offers."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from pvs_lab.lab_client import LabClient

PVS = "172.27.153.1"
_RENEW = (
    "if systemctl is-active --quiet NetworkManager; "
    "then nmcli --wait 20 connection up pvs-bridge-link; else dhcpcd --rebind eth0; fi"
)


def default_route_interfaces(lab: LabClient) -> set[str]:
    """Interfaces that the bridge sends the world's packets to, over IPv4 and IPv6."""
    routes = json.loads(lab.output("bridge", "ip -json route show default"))
    routes += json.loads(lab.output("bridge", "ip -6 -json route show default"))
    return {route["dev"] for route in routes}


def link_addresses(lab: LabClient) -> list[str]:
    """IPv4 addresses of the bridge in the PVS's network."""
    found = json.loads(lab.output("bridge", "ip -json -4 address show dev eth0"))
    return [one["local"] for link in found for one in link.get("addr_info", [])]


def has_link_address(lab: LabClient) -> bool:
    return any(
        ipaddress.ip_address(address) in ipaddress.ip_network("172.27.153.0/24")
        for address in link_addresses(lab)
    )


def assert_nothing_but_an_address(lab: LabClient) -> None:
    """What must hold at any time: no route, no name server, no IPv6 of the PVS."""
    assert default_route_interfaces(lab) == {"wlan0"}
    assert PVS not in lab.output("bridge", "cat /etc/resolv.conf")
    assert "fd53:" not in lab.output("bridge", "cat /etc/resolv.conf")
    assert lab.output("bridge", "ip -6 address show dev eth0") == ""


def test_the_bridge_has_an_address_in_the_network_of_the_pvs(
    lab: LabClient, variables: dict[str, Any]
) -> None:
    assert lab.until(lambda: has_link_address(lab))
    if variables["pvs_link_method"] == "static":
        assert link_addresses(lab) == [variables["pvs_link_address"].split("/")[0]]


def test_no_route_and_no_name_server_of_the_pvs_is_taken(lab: LabClient) -> None:
    assert_nothing_but_an_address(lab)


def test_a_renewed_lease_brings_no_route(lab: LabClient, variables: dict[str, Any]) -> None:
    requests = f"grep -c DHCPREQUEST /run/pvs-bridge-labs/{lab.name}/log/pvs-dhcp.log || true"
    before = int(lab.output("pvs", requests))
    lab.output("bridge", _RENEW)
    if variables["pvs_link_method"] == "static":
        assert not lab.until(lambda: int(lab.output("pvs", requests)) > before, 5)
    else:
        assert lab.until(lambda: int(lab.output("pvs", requests)) > before)
    assert lab.until(lambda: has_link_address(lab))
    assert_nothing_but_an_address(lab)


def test_a_pulled_cable_comes_back_without_a_route(lab: LabClient) -> None:
    lab.say("cable", "pvs", "out")
    assert lab.until(lambda: "NO-CARRIER" in lab.output("bridge", "ip link show eth0"))
    lab.say("cable", "pvs", "in")
    assert lab.until(lambda: has_link_address(lab))
    assert_nothing_but_an_address(lab)


def test_a_pvs_that_boots_after_the_bridge_is_found(lab: LabClient, url: str) -> None:
    lab.say("pvs-off")
    lab.say("cable", "pvs", "out")
    lab.say("cable", "pvs", "in")
    lab.say("pvs-on")
    request = f"curl --fail --silent --max-time 20 '{url}/cgi-bin/dl_cgi?Command=DeviceList'"
    assert lab.until(lambda: lab.run("client", request)[0] == 0, 60)
    assert_nothing_but_an_address(lab)


def test_neither_side_learns_the_addresses_of_the_other_by_arp(lab: LabClient) -> None:
    ask = "arping -q -c 2 -w 3 -I {} {}"
    assert lab.until(lambda: has_link_address(lab))
    address = link_addresses(lab)[0]
    assert lab.run("pvs", ask.format("lan1", address))[0] == 0
    assert lab.run("pvs", ask.format("lan1", "192.168.20.20"))[0] != 0
    assert lab.run("client", ask.format("lan0", "192.168.20.20"))[0] == 0
    assert lab.run("client", ask.format("lan0", address))[0] != 0


def test_dhcp_of_one_side_is_not_heard_on_the_other(lab: LabClient) -> None:
    logs = f"/run/pvs-bridge-labs/{lab.name}/log"
    home_requests = lab.output("router", f"cat {logs}/home-router.log")
    pvs_requests = lab.output("pvs", f"cat {logs}/pvs-dhcp.log")
    # By IPv6, the first answer names the whole Pi.
    asked = r"DHCP[A-Z]+\([a-z0-9]+\) ([0-9.]+ )?02:70:76:73:00:0"
    assert re.search(f"{asked}2", home_requests)
    assert not re.search(f"{asked}1", home_requests)
    assert not re.search(f"{asked}2", pvs_requests)
    assert "172.27.153." not in home_requests
