"""Leases on the PVS's side that no PVS hands out: none takes the home from the bridge."""

from __future__ import annotations

import json

import pytest
from bridges.evil.conftest import EvilHouse

from pvs_lab.evil_leases import LEASES

_STATUS = "curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "
# They are the PVS's own network, with options that the bridge does not ask for.
_OF_THE_PVS = ("routes", "options", "for-ever", "no-time")


def routes(house: EvilHouse) -> list[tuple[str, str]]:
    """Return destination and interface of each route beside the PVS's network."""
    found = json.loads(house.output("bridge", "ip -json -4 route show"))
    return [(each["dst"], each["dev"]) for each in found if "172.27.15" not in each["dst"]]


def offered(house: EvilHouse) -> int:
    """Return how many leases the PVS has granted."""
    log = f"/run/pvs-bridge-labs/{house.name}/log/pvs-dhcp.log"
    return int(house.run("pvs", f"grep --count DHCPACK {log}")[1])


def link_addresses(house: EvilHouse) -> list[str]:
    """Return the addresses of the link, with their prefixes."""
    (link,) = json.loads(house.output("bridge", "ip -json -4 address show dev eth0")) or [{}]
    return [f"{each['local']}/{each['prefixlen']}" for each in link.get("addr_info", [])]


def plug_in_again(house: EvilHouse) -> None:
    """Unplug the PVS's cable and plug it in, after which both backends ask for a lease."""
    house.say("cable", "pvs", "out")
    assert house.until(lambda: "NO-CARRIER" in house.output("bridge", "ip link show eth0"))
    house.say("cable", "pvs", "in")


@pytest.mark.parametrize("kind", LEASES)
def test_a_lease_takes_nothing_of_the_home(house: EvilHouse, kind: str) -> None:
    before, name = routes(house), house.output("bridge", "hostname; cat /etc/resolv.conf")
    granted = offered(house)
    # dnsmasq hands out only what is in a network of its own.
    house.output("pvs", "ip address add 192.168.20.254/24 dev lan1")
    try:
        house.say("pvs-dhcp-evil", kind)
        plug_in_again(house)
        assert house.until(lambda: offered(house) > granted, 60)
        house.until(lambda: not set(routes(house)) - set(before), 3)
        assert routes(house) == before
        assert house.output("client", f"{_STATUS} http://192.168.20.20/bridge/status.json") == "200"
        house.output("bridge", "ping -c 1 -W 5 -I wlan0 192.168.20.1")
        house.output("bridge", "ping -c 1 -W 5 192.168.20.10")
        assert house.output("bridge", "hostname; cat /etc/resolv.conf") == name
        assert int(house.output("bridge", "cat /sys/class/net/eth0/mtu")) >= 576
        if kind in _OF_THE_PVS:
            assert house.until(lambda: link_addresses(house) != [], 30)
        states = {each["link"]: each["state"] for each in house.health()["links"]}
        assert states["route"] == states["uplink"] == states["proxy"] == "ok"
        assert (states["lease"] == "ok") == (kind in _OF_THE_PVS)
    finally:
        house.output("pvs", "ip address delete 192.168.20.254/24 dev lan1")
        house.say("pvs-dhcp-on")
        plug_in_again(house)
    assert house.until(lambda: house.run("bridge", "pvs-bridge health")[0] == 0, 90)
