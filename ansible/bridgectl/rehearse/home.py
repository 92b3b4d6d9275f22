"""The home around a twin: the addresses that the bridge's description speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import (
    parse_address,
    parse_ipv4,
)
from bridgectl.rehearse.description import Description
from pvs_lab.errors import LabError
from pvs_lab.topology import LONGEST_PREFIX, Topology

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_HOME_PREFIX = 24


def is_name(text: str) -> bool:
    """Tell a host's name from an address."""
    return parse_address(text) is None and _HOST_NAME.fullmatch(text) is not None


def place_of(description: Description) -> Topology:
    """Make the place that a bridge's description speaks of.

    Args:
        description: of the bridge.

    Raises:
        LabError: the lab has no such place.
    """
    pvs = IPv4Interface(f"{description.value('pvs_link_pvs_address')}/24")
    servers = _name_servers(description)
    for own, router in _homes(description):
        taken = {own.ip, router, own.network.network_address, own.network.broadcast_address}
        client = _client(description, own.network, {*taken, *servers})
        if client and not own.network.overlaps(pvs.network):
            called = {description.address, str(description.variables.get("health_address", ""))}
            return Topology(
                pvs=str(pvs.ip),
                prefix=own.network.prefixlen,
                router=str(router),
                bridge=str(own.ip),
                client=str(client),
                name_servers=tuple(map(str, servers)),
                bridge_names=tuple(sorted(filter(is_name, called))),
                pvs_interface=str(description.value("pvs_link_interface")),
                home_interface=str(description.value("uplink_interface")),
            )
    raise LabError(
        f"{description.bridge}: no client of its home network could ask it",
        "give uplink_address a network of /29 or wider, and let proxy_source_networks name it",
    )


def _homes(description: Description) -> Iterator[tuple[IPv4Interface, IPv4Address]]:
    """Name the bridge's address and its router in each home that may be meant, likeliest first."""
    if _is_static(description):
        own = IPv4Interface(str(description.value("uplink_address")))
        if own.network.prefixlen <= LONGEST_PREFIX:
            yield own, IPv4Address(str(description.value("uplink_gateway")))
        return
    # The home's router hands the address out, and only Ansible may have been told which.
    reached = parse_ipv4(description.address)
    if reached and reached.is_private and not (reached.is_loopback or reached.is_link_local):
        own = IPv4Interface(f"{reached}/{_HOME_PREFIX}")
        yield own, next(host for host in own.network.hosts() if host != reached)
    usual = Topology()
    yield IPv4Interface(f"{usual.bridge}/{usual.prefix}"), IPv4Address(usual.router)
    for source in _sources(description):
        if source.prefixlen <= LONGEST_PREFIX:
            prefix = max(source.prefixlen, _HOME_PREFIX)
            router, bridge = source.network_address + 1, source.network_address + 2
            yield IPv4Interface(f"{bridge}/{prefix}"), router


def _client(
    description: Description, home: IPv4Network, taken: set[IPv4Address]
) -> IPv4Address | None:
    """Find an address at home from which the bridge may be asked; None where there is none."""
    for source in _sources(description):
        if source.overlaps(home):
            narrower = max(home, source, key=lambda network: network.prefixlen)
            found = next((host for host in narrower.hosts() if host not in taken), None)
            if found:
                return found
    return None


def _sources(description: Description) -> list[IPv4Network]:
    """Return the networks that may ask the bridge, without those that are no home's."""
    written = [each for each in description.value("proxy_source_networks") if ":" not in each]
    networks = [IPv4Network(each, strict=False) for each in written]
    return [each for each in networks if not (each.is_loopback or each.is_link_local)]


def _name_servers(description: Description) -> tuple[IPv4Address, ...]:
    """Return the name servers for which the home's router has to answer.

    Raises:
        LabError: all of them are asked by IPv6, which the lab's home has not.
    """
    if not _is_static(description):
        return ()
    written = description.value("uplink_dns_servers")
    found = tuple(address for address in map(parse_ipv4, written) if address)
    if written and not found:
        raise LabError(
            f"{description.bridge}: uplink_dns_servers are all asked by IPv6, and a twin's home "
            "has none",
            "add one with an IPv4 address",
        )
    return found


def _is_static(description: Description) -> bool:
    return bool(description.value("uplink_method") == "static")
