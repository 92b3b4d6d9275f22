"""A bridge whose PVS is in the home network: no cable, the same answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bridges.compat.house import DEVICE_LIST, House

pytestmark = pytest.mark.slow

PIS = ("trixie-networkmanager", "bookworm-dhcpcd")
FIRST, SECOND = "192.168.20.30", "192.168.20.31"
TOPOLOGY = {"pvs": FIRST, "pvs_at_home": True, "pvs_name": "pvs6"}
VARIABLES: dict[str, Any] = {
    "pvs_link_type": "home",
    "pvs_link_pvs_address": "pvs6.local",
    "proxy_cache_seconds": 2,
}
# What a bridge with a cable has, and one without must not have.
CABLE_FILES = (
    "/etc/NetworkManager/system-connections/pvs-bridge-link.nmconnection",
    "/etc/pvs-bridge/link-guard",
    "/etc/systemd/system/pvs-bridge-link-guard.service",
    "/etc/systemd/system/sysinit.target.wants/pvs-bridge-link-guard.service",
)
# Raspberry Pi OS has it.
PACKAGES = "libnss-mdns"
SIMULATOR = "--latency-seconds 0.5 --daylight --panels 12 --firmware 61846"


@pytest.fixture(scope="module", params=PIS)
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A Pi that was a bridge with a cable, which is unplugged; its PVS is in the home network."""
    release, backend = request.param.split("-")
    house = House(f"t-home-{release}")
    try:
        house.command(
            "up", f"--release={release}", f"--backend={backend}", f"--packages={PACKAGES}",
            f"--topology={json.dumps(TOPOLOGY)}", f"--simulator={SIMULATOR}", "--provisioned",
        )  # fmt: skip
        house.wait_for_boot()
        yield house
    finally:
        house.command("down")


def panels(house: House) -> int:
    """Return how many panels the home gets from the bridge; 0 for no good answer."""
    said = house.run("client", f"curl --silent --max-time 20 '{DEVICE_LIST}'")[1]
    try:
        devices = json.loads(said)["devices"]
    except (ValueError, KeyError):
        return 0
    return sum(each["DEVICE_TYPE"] == "Inverter" for each in devices)


def test_the_bridge_serves_a_pvs_in_the_home_network(house: House) -> None:
    assert house.exists(CABLE_FILES[1])
    house.good_run(VARIABLES)
    assert [path for path in CABLE_FILES if house.exists(path)] == []
    assert house.run("bridge", "grep eth0 /etc/dhcpcd.conf")[0] != 0
    assert "link-guard" not in house.output("bridge", "systemctl list-units --all --plain 'pvs-*'")
    assert "eth0" not in house.output("bridge", "nft list table inet pvs_bridge_firewall")
    assert panels(house) == 12
    found = house.health()
    assert (found["healthy"], found["interface"]) == (True, "translated"), found
    assert [link["link"] for link in found["links"]] == [
        "pvs", "proxy", "reach", "uplink", "answer",
    ]  # fmt: skip
    assert house.provision(VARIABLES).changed == []
    # The guard, the page and the doctor work as with a cable.
    write = DEVICE_LIST.replace("DeviceList", "StartDiscovery")
    assert house.output("client", f"curl -so /dev/null -w '%{{http_code}}' '{write}'") == "403"
    house.output("bridge", "systemctl start pvs-bridge-monitor")
    page = json.loads(house.output("client", "curl -s http://bridge/bridge/status.json"))
    assert page["healthy"], page
    # No interface of the Pi belongs to this PVS.
    done = house.run("bridge", "pvs-bridge monitor step renew pvs")
    assert done[0] == 2, done
    # In the same run, because it needs a healthy bridge.
    move(house, FIRST, SECOND)
    assert house.until(lambda: panels(house) == 12, 60), house.output(
        "bridge", "journalctl --unit=haproxy --no-pager --lines=20"
    )
    assert house.until(lambda: bool(house.health()["healthy"]), 60), house.health()
    assert house.record()["most_in_flight"]["total"] == 1
    move(house, SECOND, FIRST)
    assert house.until(lambda: panels(house) == 12, 60)


def move(house: House, before: str, after: str) -> None:
    """Give the PVS another address, as the home's DHCP may do at any time."""
    house.output(
        "pvs",
        f"ip address delete {before}/24 dev lan0 && ip address add {after}/24 dev lan0",
    )


# avahi changes the title of its process.
ANNOUNCE = """
folder=/proc/$(pgrep --oldest --full 'running .pvs6.local.')/root/etc/avahi/services
cat > $folder/pvs.service <<END
<service-group><name>PVS6</name><service><type>_pvs6._tcp</type><port>80</port>
<txt-record>serialnum={serial}</txt-record></service></service-group>
END
"""


def test_the_bridge_announces_the_pvs_while_it_does_not_do_so_itself(house: House) -> None:
    chosen = {**VARIABLES, "status_announce_pvs": True, "monitor_list_seconds": 60}
    house.good_run(chosen)
    ask = "dig +short +time=2 +tries=1 -p 5353 @192.168.20.20 _pvs6._tcp.local PTR"

    def is_announced() -> bool:
        house.run("bridge", "systemctl start pvs-bridge-monitor")
        return "behind" in house.run("client", ask)[1]

    assert house.until(is_announced, 120)
    house.output("pvs", ANNOUNCE.format(serial=house.record()["serial"]))
    log = "journalctl --unit=pvs-bridge-monitor --no-pager --lines=20"
    assert house.until(lambda: not is_announced(), 150), house.output("bridge", log)
    assert panels(house) == 12
