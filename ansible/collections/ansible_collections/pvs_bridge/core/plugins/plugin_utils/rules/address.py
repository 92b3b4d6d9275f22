"""Cross-checks of interfaces, addresses and names: the bridge's two networks stay apart."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import Fault, Path
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import (
    CrossCheck,
    Values,
    parse_address,
    parse_interface,
    parse_ipv4,
    pvs_network,
)

_INTERFACE_NAME = re.compile(r"[^\s/:]{1,15}")
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
# Smaller ones have no room for a router beside the Pi.
_LONGEST_PREFIX = 30

# What only the static method reads, and would be ignored without a word with dhcp.
_STATIC_ONLY = {
    "pvs_link": ("pvs_link_address",),
    "uplink": ("uplink_address", "uplink_gateway", "uplink_dns_servers"),
}


def interface_names_are_possible(values: Values) -> Iterator[Fault]:
    """Linux takes 1 to 15 characters without space, slash and colon, and neither dot nor dots."""
    for name in ("pvs_link_interface", "uplink_interface"):
        interface = values.get(name)
        if interface is None:
            continue
        if not _INTERFACE_NAME.fullmatch(interface) or interface in (".", ".."):
            yield Fault(
                (name,),
                f"{interface!r} is no interface name",
                "write it as `ip -brief link` on the Pi shows it, such as eth0 or wlan0",
            )


def the_two_interfaces_differ(values: Values) -> Iterator[Fault]:
    """One cable cannot lead both to the PVS and home."""
    uplink = values.text("uplink_interface")
    if uplink and uplink == values.text("pvs_link_interface"):
        # Blame the one that a person has set, not the default that it collides with.
        names = ["uplink_interface", "pvs_link_interface"]
        blamed, other = sorted(names, key=values.is_given, reverse=True)
        yield Fault(
            (blamed,),
            f"{uplink} is {other} too",
            "give the way home and the way to the PVS an interface each",
        )


def pvs_address_is_an_address(values: Values) -> Iterator[Fault]:
    """Everything about the PVS link is derived from it."""
    written = values.get("pvs_link_pvs_address")
    if written is not None and parse_ipv4(written) is None:
        yield Fault(
            ("pvs_link_pvs_address",),
            f"{written!r} is no IPv4 address",
            "remove it for 172.27.153.1, which nearly every PVS has",
        )


def dhcp_has_no_static_settings(values: Values) -> Iterator[Fault]:
    """Whoever gives an address wants it to be used."""
    for role, names in _STATIC_ONLY.items():
        if values.text(f"{role}_method") != "dhcp":
            continue
        for name in names:
            if values.get(name):
                yield Fault(
                    (name,),
                    f"is not used while {role}_method is dhcp",
                    f"set {role}_method: static, or remove {name}",
                )


def static_has_an_address(values: Values) -> Iterator[Fault]:
    """The static method needs an address that a host can have, with its prefix length."""
    for role, example in (("pvs_link", "172.27.153.3/24"), ("uplink", "192.168.1.20/24")):
        name = f"{role}_address"
        if values.text(f"{role}_method") != "static" or values.is_wrong(name):
            continue
        written = values.text(name)
        if not written:
            yield Fault(
                (name,),
                f"is not set, and {role}_method is static",
                f"set {name}, such as {example}, or {role}_method: dhcp",
            )
            continue
        problem = _no_host_address(written)
        if problem:
            yield Fault((name,), f"{written!r} {problem}", f"write it such as {example}")


def _no_host_address(written: str) -> str | None:
    interface = parse_interface(written)
    if interface is None:
        if parse_ipv4(written):
            return "has no prefix length"
        return "is no IPv4 address with a prefix length"
    if interface.network.prefixlen > _LONGEST_PREFIX:
        return "is a network without room for another host"
    if interface.ip == interface.network.network_address:
        return "is the address of its network, not of a host"
    if interface.ip == interface.network.broadcast_address:
        return "is the broadcast address of its network, not a host's"
    if interface.ip.is_loopback or interface.ip.is_multicast or interface.ip.is_unspecified:
        return "is no address that a host can have"
    return None


def gateway_is_within_reach(values: Values) -> Iterator[Fault]:
    """The home's router must be another host of the bridge's own network."""
    if values.text("uplink_method") != "static" or values.is_wrong("uplink_gateway"):
        return
    path = ("uplink_gateway",)
    written = values.text("uplink_gateway")
    if not written:
        yield Fault(
            path,
            "is not set, and uplink_method is static",
            "set it to the address of the home's router, such as 192.168.1.1",
        )
        return
    gateway = parse_ipv4(written)
    if gateway is None:
        yield Fault(path, f"{written!r} is no IPv4 address", "write it such as 192.168.1.1")
        return
    own = parse_interface(values.text("uplink_address"))
    if own is None:
        return
    home = own.network
    hint = f"set it to the address of the home's router in {home}"
    if gateway == own.ip:
        yield Fault(path, f"{written} is uplink_address, the bridge itself", hint)
    elif gateway not in home:
        yield Fault(path, f"{written} is outside of uplink_address's network", hint)
    elif gateway in (home.network_address, home.broadcast_address):
        yield Fault(path, f"{written} is no address of a host", hint)


def dns_servers_are_addresses(values: Values) -> Iterator[Fault]:
    """A name server's name could not be resolved."""
    for index, written in values.texts("uplink_dns_servers"):
        if parse_address(written) is None:
            yield Fault(
                ("uplink_dns_servers", index),
                f"{written!r} is no IP address",
                "write it such as 192.168.1.1",
            )


def uplink_stays_out_of_the_pvs_network(values: Values) -> Iterator[Fault]:
    """Else packets for home would go to the PVS, and its DNS server answers only for itself."""
    pvs = pvs_network(values)
    if pvs is None:
        return
    own = parse_interface(values.text("uplink_address"))
    if own and own.network.overlaps(pvs):
        yield Fault(
            ("uplink_address",),
            f"{own.network} and the PVS's network {pvs} overlap",
            "use the address that the home's router gives; if the home really uses the PVS's "
            "network, change it in the home's router",
        )
    servers: list[tuple[Path, str]] = [(("uplink_gateway",), values.text("uplink_gateway"))]
    servers += [
        (("uplink_dns_servers", index), written)
        for index, written in values.texts("uplink_dns_servers")
    ]
    for path, written in servers:
        address = parse_ipv4(written)
        if address and address in pvs:
            hint = "use the address of the home's router"
            yield Fault(path, f"{written} is in the PVS's network {pvs}", hint)


def pvs_link_address_is_beside_the_pvs(values: Values) -> Iterator[Fault]:
    """The bridge needs an address of its own where the PVS can answer it."""
    pvs = pvs_network(values)
    own = parse_interface(values.text("pvs_link_address"))
    if pvs is None or own is None:
        return
    path = ("pvs_link_address",)
    hint = f"choose a free one in {pvs}, such as {pvs.network_address + 3}/24"
    supervisor = ipaddress.IPv4Address(values.text("pvs_link_pvs_address"))
    if own.ip == supervisor:
        yield Fault(path, f"{own.ip} is the PVS's own address", hint)
    elif own.ip not in pvs:
        yield Fault(path, f"{own.ip} is outside of the PVS's network {pvs}", hint)
    elif supervisor not in own.network:
        yield Fault(path, f"{own} leaves out the PVS, {supervisor}", hint)
    elif own.network.prefixlen < pvs.prefixlen:
        yield Fault(path, f"{own} claims more than the PVS's network {pvs}", hint)


def hostname_is_a_label(values: Values) -> Iterator[Fault]:
    """RFC 1123: one label, for it becomes NAME.local and a name in the home's router."""
    written = values.get("uplink_hostname")
    if written is not None and not _HOSTNAME.fullmatch(written):
        yield Fault(
            ("uplink_hostname",),
            f"{written!r} is no host name",
            "write 1 to 63 letters, digits and hyphens, no hyphen first or last, no dot",
        )


CHECKS: tuple[CrossCheck, ...] = (
    interface_names_are_possible,
    the_two_interfaces_differ,
    pvs_address_is_an_address,
    dhcp_has_no_static_settings,
    static_has_an_address,
    gateway_is_within_reach,
    dns_servers_are_addresses,
    uplink_stays_out_of_the_pvs_network,
    pvs_link_address_is_beside_the_pvs,
    hostname_is_a_label,
)
