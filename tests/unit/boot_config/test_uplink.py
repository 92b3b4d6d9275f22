"""The connection to the home network, from the kernel's tables."""

from __future__ import annotations

from pathlib import Path

from pvs_bridge.boot_config import uplink
from pvs_bridge.host import network

_ROUTES = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "wlan0\t00000000\t0114A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    "eth0\t00991BAC\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
    "wlan0\t0014A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
)
_NEIGHBOURS = (
    "IP address       HW type     Flags       HW address            Mask     Device\n"
    "192.168.20.1     0x1         0x2         02:00:00:00:00:01     *        wlan0\n"
    "192.168.20.9     0x1         0x0         00:00:00:00:00:00     *        wlan0\n"
    "172.27.153.1     0x1         0x2         02:00:00:00:00:02     *        eth0\n"
)


def test_the_router_is_that_of_the_interface_s_default_route(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(_ROUTES)
    assert network.routers("wlan0", table) == ["192.168.20.1"]
    assert network.routers("eth0", table) == []


def test_only_hosts_that_answered_are_neighbours(tmp_path: Path) -> None:
    table = tmp_path / "arp"
    table.write_text(_NEIGHBOURS)
    assert network.neighbours("wlan0", table) == {"192.168.20.1"}


def test_a_missing_interface_is_not_connected() -> None:
    assert not uplink.wait({"uplink_interface": "nowhere0"}, 0)
