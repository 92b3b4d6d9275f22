"""Leases that no PVS hands out: the home's network, other masks, routes, and harmful options."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from pvs_lab.daemons import Daemon, pvs_dhcp
from pvs_lab.topology import Topology

_EVERYWHERE = "0.0.0.0/1,{pvs},128.0.0.0/1,{pvs},192.168.20.0/25,{pvs},192.168.20.1/32,{pvs}"
# By kind: the first address and the mask of the lease, None for the PVS's own, and more options.
LEASES: dict[str, tuple[str | None, str, tuple[str, ...]]] = {
    "home": ("192.168.20.150", "255.255.255.0", ()),
    "lower-half-of-home": ("192.168.20.50", "255.255.255.128", ()),
    "upper-half-of-home": ("192.168.20.150", "255.255.255.128", ()),
    "router": ("192.168.20.1", "255.255.255.0", ()),
    "client": ("192.168.20.10", "255.255.255.255", ()),
    "half-of-all": ("172.27.153.20", "128.0.0.0", ()),
    "half-of-pvs": ("172.27.153.20", "255.255.255.128", ()),
    "host": ("172.27.153.20", "255.255.255.255", ()),
    "routes": (None, "255.255.255.0", (
        f"option:classless-static-route,{_EVERYWHERE}", f"249,{_EVERYWHERE}",
        "option:static-route,192.168.20.10,{pvs}", "option:router,192.168.20.1",
    )),
    "options": (None, "255.255.255.0", (
        "option:mtu,68", "option:dns-server,192.168.20.1", "12,evil",
        "option:ntp-server,{pvs}", "252,http://{pvs}/wpad.dat", "114,http://{pvs}/portal",
    )),
    "for-ever": (None, "255.255.255.0", ("51,ff:ff:ff:ff",)),
    "no-time": (None, "255.255.255.0", ("51,00:00:00:00",)),
}  # fmt: skip


def evil_dhcp(state: Path, topology: Topology, kind: str) -> Daemon:
    """Return the PVS's DHCP server with the leases of a kind.

    Raises:
        KeyError: there is no such kind.
    """
    first, mask, options = LEASES[kind]
    usual = pvs_dhcp(state, topology)
    kept = [word for word in usual.command if "--dhcp-range=172." not in word or first is None]
    given: list[str] = []
    if first is not None:
        last = ipaddress.ip_address(first) + (0 if kind in ("router", "client") else 20)
        given = [f"--dhcp-range={first},{last},255.255.255.0,2m",
                 f"--dhcp-option-force=option:netmask,{mask}"]  # fmt: skip
    forced = [f"--dhcp-option-force={each.format(pvs=topology.pvs)}" for each in options]
    return Daemon(usual.name, usual.host, (*kept, *given, *forced))
