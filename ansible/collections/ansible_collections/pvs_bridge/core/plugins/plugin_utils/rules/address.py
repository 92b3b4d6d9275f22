"""Rules for interfaces, addresses and host names: the bridge's two networks must differ."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue, Path
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import (
    Rule,
    Values,
    parse_address,
    parse_interface,
    parse_ipv4,
    pvs_network,
)

# Linux: 1 to 15 characters, no white space, slash or colon, and neither "." nor "..".
_INTERFACE_NAME = re.compile(r"(?!\.{1,2}$)[^\s/:]{1,15}")
# RFC 1123
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
# Smaller networks have no room for a router beside the Pi.
_LONGEST_PREFIX = 30

# Variables that only the static method reads.
_STATIC_ONLY = {
    "pvs_link": ("pvs_link_address",),
    "uplink": ("uplink_address", "uplink_gateway", "uplink_dns_servers"),
}


def check_interface_names(values: Values) -> Iterator[Issue]:
    """Linux rejects other names."""
    for name in ("pvs_link_interface", "uplink_interface"):
        interface = values.get(name)
        if interface is not None and not _INTERFACE_NAME.fullmatch(interface):
            yield Issue.at(
                (name,),
                f"must be the name of a network interface, got {interface!r}",
                "use a name that `ip -brief link` shows on the Pi, such as eth0 or wlan0",
            )


def check_interfaces_differ(values: Values) -> Iterator[Issue]:
    """The PVS and the home need an interface each."""
    uplink = values.text("uplink_interface")
    if values.text("pvs_link_type") == "home":
        return
    if uplink and uplink == values.text("pvs_link_interface"):
        # Report the variable that the inventory sets, not the default.
        names = ["uplink_interface", "pvs_link_interface"]
        wrong, other = sorted(names, key=values.is_given, reverse=True)
        yield Issue.at(
            (wrong,),
            f"must differ from {other}, got {uplink} for both",
            "use one interface for the home network and another one for the PVS",
        )


def check_pvs_address(values: Values) -> Iterator[Issue]:
    """The network of the PVS link is derived from it."""
    written = values.get("pvs_link_pvs_address")
    if values.text("pvs_link_type") == "home":
        return
    if written is not None and parse_ipv4(written) is None:
        yield Issue.at(
            ("pvs_link_pvs_address",),
            f"must be an IPv4 address, got {written!r}",
            "remove it to use 172.27.153.1, the address of nearly every PVS",
        )


def check_dhcp_has_no_static_settings(values: Values) -> Iterator[Issue]:
    """The dhcp method would ignore them."""
    for role, names in _STATIC_ONLY.items():
        if values.text(f"{role}_method") != "dhcp":
            continue
        for name in names:
            if values.get(name):
                yield Issue.at(
                    (name,),
                    f"is not used while {role}_method is dhcp",
                    f"set {role}_method: static, or remove {name}",
                )


def check_static_address(values: Values) -> Iterator[Issue]:
    """The static method needs the address of a host with its prefix length."""
    for role, example in (("pvs_link", "172.27.153.3/24"), ("uplink", "192.168.1.20/24")):
        name = f"{role}_address"
        if values.text(f"{role}_method") != "static" or values.is_wrong(name):
            continue
        written = values.text(name)
        if not written:
            yield Issue.at(
                (name,),
                f"must be set, because {role}_method is static",
                f"set {name}, such as {example}, or {role}_method: dhcp",
            )
            continue
        wanted = _wanted_host_address(written)
        if wanted:
            hint = f"use an address such as {example}"
            yield Issue.at((name,), f"must be {wanted}, got {written!r}", hint)


def _wanted_host_address(written: str) -> str | None:
    """Return what a host address must be; None if it is one."""
    interface = parse_interface(written)
    if interface is None:
        return "an IPv4 address with a prefix length"
    address, network = interface.ip, interface.network
    if network.prefixlen > _LONGEST_PREFIX:
        return f"in a network with other hosts, /{_LONGEST_PREFIX} or larger"
    if address == network.network_address:
        return "the address of a host, not of its network"
    if address == network.broadcast_address:
        return "the address of a host, not the broadcast address"
    if address.is_loopback or address.is_multicast or address.is_unspecified:
        return "the address of a host"
    return None


def check_gateway(values: Values) -> Iterator[Issue]:
    """The home's router must be another host in the bridge's own network."""
    if values.text("uplink_method") != "static" or values.is_wrong("uplink_gateway"):
        return
    path = ("uplink_gateway",)
    written = values.text("uplink_gateway")
    if not written:
        yield Issue.at(
            path,
            "must be set, because uplink_method is static",
            "set it to the address of the home's router, such as 192.168.1.1",
        )
        return
    gateway = parse_ipv4(written)
    if gateway is None:
        hint = "use an address such as 192.168.1.1"
        yield Issue.at(path, f"must be an IPv4 address, got {written!r}", hint)
        return
    own = parse_interface(values.text("uplink_address"))
    if own is None:
        return
    home = own.network
    hint = f"use the address of the home's router in {home}"
    if gateway == own.ip:
        problem = f"must differ from uplink_address, the bridge itself, got {written}"
        yield Issue.at(path, problem, hint)
    elif gateway not in home:
        yield Issue.at(path, f"must be in the network of uplink_address, got {written}", hint)
    elif gateway in (home.network_address, home.broadcast_address):
        yield Issue.at(path, f"must be the address of a host, got {written}", hint)


def check_dns_servers(values: Values) -> Iterator[Issue]:
    """No DHCP names them for a static address; the name of one could not be resolved."""
    given = values.get("uplink_dns_servers")
    if values.text("uplink_method") == "static" and given == []:
        yield Issue.at(
            ("uplink_dns_servers",),
            "must be set, because uplink_method is static",
            "set it to the address of the home's router, such as [192.168.1.1]",
        )
    for index, written in values.texts("uplink_dns_servers"):
        if parse_address(written) is None:
            yield Issue.at(
                ("uplink_dns_servers", index),
                f"must be an IP address, got {written!r}",
                "use an address such as 192.168.1.1",
            )


def check_uplink_outside_of_pvs_network(values: Values) -> Iterator[Issue]:
    """Packets for the home would go to the PVS, whose DNS server only resolves its own name."""
    pvs = pvs_network(values)
    if pvs is None:
        return
    own = parse_interface(values.text("uplink_address"))
    if own and own.network.overlaps(pvs):
        yield Issue.at(
            ("uplink_address",),
            f"must be outside of the PVS's network {pvs}, got {own.network}",
            "use the address that the home's router assigns; if the home uses the PVS's network, "
            "change the home's network in the router",
        )
    servers: list[tuple[Path, str]] = [(("uplink_gateway",), values.text("uplink_gateway"))]
    servers += [
        (("uplink_dns_servers", index), written)
        for index, written in values.texts("uplink_dns_servers")
    ]
    for path, written in servers:
        address = parse_ipv4(written)
        if address and address in pvs:
            problem = f"must be outside of the PVS's network {pvs}, got {written}"
            yield Issue.at(path, problem, "use the address of the home's router")


def check_pvs_link_address(values: Values) -> Iterator[Issue]:
    """The bridge needs its own address in the PVS's network."""
    pvs = pvs_network(values)
    own = parse_interface(values.text("pvs_link_address"))
    if pvs is None or own is None:
        return
    path = ("pvs_link_address",)
    hint = f"use a free address in {pvs}, such as {pvs.network_address + 3}/24"
    supervisor = ipaddress.IPv4Address(values.text("pvs_link_pvs_address"))
    if own.ip == supervisor:
        yield Issue.at(path, f"must differ from the PVS's own address, got {own.ip}", hint)
    elif own.ip not in pvs:
        yield Issue.at(path, f"must be in the PVS's network {pvs}, got {own.ip}", hint)
    elif supervisor not in own.network:
        yield Issue.at(path, f"must include the PVS, {supervisor}, got {own}", hint)
    elif own.network.prefixlen < pvs.prefixlen:
        yield Issue.at(path, f"must not be larger than the PVS's network {pvs}, got {own}", hint)


def check_hostname(values: Values) -> Iterator[Issue]:
    """One label of RFC 1123, because it becomes NAME.local and a name in the home's router."""
    written = values.get("uplink_hostname")
    if values.is_given("uplink_hostname") and written == "localhost":
        problem = "must differ from localhost, by which each machine reaches itself"
        yield Issue.at(("uplink_hostname",), problem, "use another name, such as garage")
    elif written is not None and not _HOSTNAME.fullmatch(written):
        yield Issue.at(
            ("uplink_hostname",),
            f"must be a host name without a dot, got {written!r}",
            "use 1 to 63 letters, digits and hyphens; the first and last must not be a hyphen",
        )


RULES: tuple[Rule, ...] = (
    check_interface_names,
    check_interfaces_differ,
    check_pvs_address,
    check_dhcp_has_no_static_settings,
    check_static_address,
    check_gateway,
    check_dns_servers,
    check_uplink_outside_of_pvs_network,
    check_pvs_link_address,
    check_hostname,
)
