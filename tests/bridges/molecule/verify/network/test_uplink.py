"""The home's side: an address, a route, names."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from testinfra.host import Host

from pvs_lab.lab_client import LabClient

_ASK_MDNS = f"{sys.executable} {Path(__file__).with_name('ask_mdns.py')} {{}}.local"


def test_the_bridge_has_its_address_in_the_home(lab: LabClient, variables: dict[str, Any]) -> None:
    links = json.loads(lab.output("bridge", "ip -json -4 address show dev wlan0"))
    found = {one["local"]: one for link in links for one in link["addr_info"]}
    assert set(found) == {"192.168.20.20"}
    is_leased = bool(found["192.168.20.20"].get("dynamic"))
    assert is_leased == (variables["uplink_method"] == "dhcp")


def test_names_of_the_world_are_asked_at_the_home(lab: LabClient) -> None:
    assert "192.0.2.1" in lab.output("bridge", "getent hosts world.example")


def test_the_bridge_has_its_name(bridge: Host, variables: dict[str, Any]) -> None:
    assert bridge.check_output("hostname") == variables["uplink_hostname"]
    assert bridge.run("sudo -n true").stderr == ""


def test_the_home_finds_the_bridge_by_its_mdns_name_where_it_is_wanted(
    lab: LabClient, variables: dict[str, Any]
) -> None:
    ask = _ASK_MDNS.format(variables["uplink_hostname"])
    if variables["uplink_mdns"]:
        assert lab.until(lambda: "192.168.20.20" in lab.run("client", ask)[1])
    else:
        assert "192.168.20.20" not in lab.run("client", ask)[1]


def test_the_pvs_hears_nothing_of_mdns(lab: LabClient, variables: dict[str, Any]) -> None:
    ask = _ASK_MDNS.format(variables["uplink_hostname"])
    assert "192.168.20.20" not in lab.run("pvs", ask)[1]


def test_secrets_are_readable_by_root_alone(bridge: Host) -> None:
    readable = bridge.run(
        "find /etc/NetworkManager/system-connections /etc/wpa_supplicant -readable -type f "
        "\\( -name '*.nmconnection' -o -name 'wpa_supplicant*.conf' \\)"
    )
    assert readable.stdout == ""
