"""Find the interface of the home network and that of the PVS."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge.errors import IssueError
from pvs_bridge.host import network
from pvs_bridge.host.network import LocalProbe
from pvs_bridge.host.probe import Signal

PVS_NETWORK = ipaddress.ip_network("172.27.152.0/23")
"""The networks of both installer's ports of a PVS."""

_INTERFACES = Path("/sys/class/net")
_WIRED = re.compile(r"(eth|en)[a-z0-9]+")


@dataclass(frozen=True)
class Interface:
    """A network interface.

    Attributes:
        name: Such as ``eth0``.
        addresses: Its IPv4 addresses with prefix lengths.
        routers: The routers of its default routes.
        has_cable: Whether the other end of its cable or radio link is up.
    """

    name: str
    addresses: Sequence[str] = ()
    routers: Sequence[str] = ()
    has_cable: bool = False

    @property
    def is_wired(self) -> bool:
        """Whether its name is that of an Ethernet interface."""
        return _WIRED.fullmatch(self.name) is not None

    @property
    def is_at_pvs(self) -> bool:
        """Whether it has an address in the network of a PVS."""
        return any(ipaddress.ip_interface(each).ip in PVS_NETWORK for each in self.addresses)

    @property
    def is_at_home(self) -> bool:
        """Whether it has a default route, and not one to a PVS."""
        return any(ipaddress.ip_address(each) not in PVS_NETWORK for each in self.routers)


def read_interfaces() -> list[Interface]:
    """Return the interfaces of this machine, without the loopback."""
    probe, addresses = LocalProbe(), network.addresses()
    return [
        Interface(
            name, addresses.get(name, []), network.routers(name), probe.signal(name) is Signal.UP
        )
        for name in sorted(folder.name for folder in _INTERFACES.iterdir())
        if name != "lo"
    ]


def choose(interfaces: Sequence[Interface]) -> Mapping[str, Interface]:
    """Return the interfaces of the home network and of the PVS.

    Args:
        interfaces: Those of this machine.

    Returns:
        by ``uplink`` and ``pvs_link``.

    Raises:
        IssueError: One of them is missing.
    """
    at_home = [each for each in interfaces if each.is_at_home and not each.is_at_pvs]
    if not at_home:
        raise IssueError(
            "this Pi is not connected to the home network",
            "connect it, for example to your Wi-Fi with sudo nmtui, and run setup again",
        )
    # Wi-Fi first, because the PVS needs an Ethernet interface.
    uplink = min(at_home, key=lambda each: each.is_wired)
    wired = [each for each in interfaces if each.is_wired and each != uplink]
    if not wired:
        raise IssueError(
            f"this Pi has no Ethernet interface for the PVS: {uplink.name} is the home network",
            "connect the Pi to your Wi-Fi, for example with sudo nmtui; or plug in a USB Ethernet "
            "adapter; then run setup again",
        )
    # The likeliest first: a lease of the PVS, a cable, the Pi's own socket.
    wired.sort(key=lambda each: (not each.is_at_pvs, not each.has_cable, each.name))
    return {"uplink": uplink, "pvs_link": wired[0]}
