"""Rules for a PVS in the home network: where it is, and what needs its cable."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import (
    Rule,
    Values,
    parse_interface,
    parse_ipv4,
)

# RFC 1918
_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
# Both networks that a PVS has at its cable.
_AT_CABLE = ipaddress.IPv4Network("172.27.152.0/23")
# One label of RFC 1123 in the domain of mDNS (RFC 6762).
_MDNS_NAME = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)\.local", re.ASCII)
# Values that need the PVS's own network, at its cable.
_NEED_CABLE = {
    "bridge_mode": ("routed", "both"),
    "console_dns_enabled": (True,),
    "proxy_sunvault_enabled": (True,),
}
_LINK_ONLY = ("pvs_link_interface", "pvs_link_method", "pvs_link_address")
_ADDRESS = "pvs_link_pvs_address"
_HINT = "the home's router shows it in its list of devices; a name is written such as pvs6.local"


def check_address(values: Values) -> Iterator[Issue]:
    """The default is the PVS's address at its cable."""
    written = values.text(_ADDRESS)
    if values.text("pvs_link_type") != "home" or values.is_wrong(_ADDRESS):
        return
    if not values.is_given(_ADDRESS):
        problem = "must be the PVS's address in the home network, because pvs_link_type is home"
        yield Issue.at((_ADDRESS,), problem, _HINT)
        return
    address = parse_ipv4(written)
    wanted = _wanted_name(written, values) if address is None else _wanted(address, values)
    if wanted:
        yield Issue.at((_ADDRESS,), f"must be {wanted}, got {written!r}", _HINT)


def _wanted(address: ipaddress.IPv4Address, values: Values) -> str | None:
    """Return what an address must be; None if the PVS can have it."""
    own = parse_interface(values.text("uplink_address"))
    if not any(address in network for network in _PRIVATE):
        return "a private address (RFC 1918) or an mDNS name"
    if address in _AT_CABLE:
        return "the PVS's address in the home network, not the one at its cable"
    if own and address == own.ip:
        return "another address than uplink_address, the bridge itself"
    if address == parse_ipv4(values.text("uplink_gateway")):
        return "another address than uplink_gateway, the home's router"
    if own and address in (own.network.network_address, own.network.broadcast_address):
        return "the address of a host"
    return None


def _wanted_name(written: str, values: Values) -> str | None:
    """Return what a name must be; None if the PVS can have it."""
    name = _MDNS_NAME.fullmatch(written)
    if not name:
        return "an IPv4 address, or an mDNS name of one label before .local"
    if name[1].lower() == values.text("uplink_hostname").lower():
        return "another name than uplink_hostname, the bridge itself"
    return None


def check_mdns(values: Values) -> Iterator[Issue]:
    """The bridge resolves the name by avahi."""
    by_name = parse_ipv4(values.text(_ADDRESS)) is None and values.text(_ADDRESS)
    if values.text("pvs_link_type") == "home" and by_name and values.get("uplink_mdns") is False:
        yield Issue.at(
            ("uplink_mdns",),
            f"must be true, because {_ADDRESS} is a name",
            f"remove uplink_mdns, or set {_ADDRESS} to an IPv4 address",
        )


def check_cable_settings(values: Values) -> Iterator[Issue]:
    """They would be ignored, or reach nothing."""
    if values.text("pvs_link_type") != "home":
        return
    for name in _LINK_ONLY:
        if values.is_given(name) and not values.is_wrong(name):
            hint = f"remove {name}, or set pvs_link_type: cable"
            yield Issue.at((name,), "is not used while pvs_link_type is home", hint)
    for name, wrong in _NEED_CABLE.items():
        if values.get(name) in wrong:
            hint = f"remove {name}, or set pvs_link_type: cable"
            yield Issue.at((name,), "needs pvs_link_type: cable, the PVS's own network", hint)


RULES: tuple[Rule, ...] = (check_address, check_mdns, check_cable_settings)
