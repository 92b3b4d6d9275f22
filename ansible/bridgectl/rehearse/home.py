"""The home network of a twin, with the addresses of the bridge's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import (
    parse_address,
    parse_ipv4,
)
from bridgectl.errors import CannotWorkError
from bridgectl.rehearse.configuration import Configuration
from pvs_lab.topology import LONGEST_PREFIX, Topology

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_HOME_PREFIX = 24


def is_name(text: str) -> bool:
    """Return whether a text is a host name, not an address."""
    return parse_address(text) is None and _HOST_NAME.fullmatch(text) is not None


def topology_of(configuration: Configuration) -> Topology:
    """Create the lab's topology for a configuration.

    Args:
        configuration: of the bridge.

    Raises:
        CannotWorkError: the lab cannot have these addresses.
    """
    written = str(configuration.value("pvs_link_pvs_address"))
    at_home = configuration.value("pvs_link_type") == "home"
    address = parse_ipv4(written)
    servers = _name_servers(configuration)
    for own, router in _homes(configuration):
        taken = {own.ip, router, own.network.network_address, own.network.broadcast_address}
        pvs = address or next(
            host for host in own.network.hosts() if host not in taken | {*servers}
        )
        client = _client(configuration, own.network, {*taken, *servers, pvs})
        link = IPv4Network(f"{pvs}/24", strict=False)
        fits = pvs in own.network if at_home else not own.network.overlaps(link)
        if client and fits:
            called = {configuration.address, str(configuration.variables.get("health_address", ""))}
            return Topology(
                pvs=str(pvs),
                prefix=own.network.prefixlen,
                router=str(router),
                bridge=str(own.ip),
                client=str(client),
                name_servers=tuple(map(str, servers)),
                bridge_names=tuple(sorted(filter(is_name, called))),
                pvs_interface=_unused(configuration) if at_home else _interface(configuration),
                home_interface=str(configuration.value("uplink_interface")),
                pvs_at_home=at_home,
                pvs_name="" if address else written.removesuffix(".local"),
            )
    if at_home and address and _is_static(configuration):
        raise CannotWorkError(
            f"{configuration.bridge}: the lab's PVS must be in the network of uplink_address, got "
            f"{address}",
            "rehearse with an address in that network, as the lab has one home network",
        )
    raise CannotWorkError(
        f"{configuration.bridge}: no client of its home network may use the proxy",
        "use a network of /29 or larger in uplink_address, and add it to proxy_source_networks",
    )


def _homes(configuration: Configuration) -> Iterator[tuple[IPv4Interface, IPv4Address]]:
    """Return bridge address and router of each possible home, the most likely one first."""
    if _is_static(configuration):
        own = IPv4Interface(str(configuration.value("uplink_address")))
        if own.network.prefixlen <= LONGEST_PREFIX:
            yield own, IPv4Address(str(configuration.value("uplink_gateway")))
        return
    # With DHCP, ansible_host may be the address that the router assigns.
    reached = parse_ipv4(configuration.address)
    if reached and reached.is_private and not (reached.is_loopback or reached.is_link_local):
        own = IPv4Interface(f"{reached}/{_HOME_PREFIX}")
        yield own, next(host for host in own.network.hosts() if host != reached)
    usual = Topology()
    yield IPv4Interface(f"{usual.bridge}/{usual.prefix}"), IPv4Address(usual.router)
    pvs = parse_ipv4(str(configuration.value("pvs_link_pvs_address")))
    if pvs and configuration.value("pvs_link_type") == "home":
        network = IPv4Network(f"{pvs}/{_HOME_PREFIX}", strict=False)
        router, bridge = [host for host in network.hosts() if host != pvs][:2]
        yield IPv4Interface(f"{bridge}/{_HOME_PREFIX}"), router
    for source in _sources(configuration):
        if source.prefixlen <= LONGEST_PREFIX:
            prefix = max(source.prefixlen, _HOME_PREFIX)
            router, bridge = source.network_address + 1, source.network_address + 2
            yield IPv4Interface(f"{bridge}/{prefix}"), router


def _interface(configuration: Configuration) -> str:
    return str(configuration.value("pvs_link_interface"))


def _unused(configuration: Configuration) -> str:
    """Return a name for the Pi's Ethernet port, which has no cable."""
    return "eth0" if configuration.value("uplink_interface") != "eth0" else "eth1"


def _client(
    configuration: Configuration, home: IPv4Network, taken: set[IPv4Address]
) -> IPv4Address | None:
    """Return an address in the home network that may use the proxy; None if there is none."""
    for source in _sources(configuration):
        if source.overlaps(home):
            narrower = max(home, source, key=lambda network: network.prefixlen)
            found = next((host for host in narrower.hosts() if host not in taken), None)
            if found:
                return found
    return None


def _sources(configuration: Configuration) -> list[IPv4Network]:
    """Return proxy_source_networks without loopback and link-local ones."""
    written = [each for each in configuration.value("proxy_source_networks") if ":" not in each]
    networks = [IPv4Network(each, strict=False) for each in written]
    return [each for each in networks if not (each.is_loopback or each.is_link_local)]


def _name_servers(configuration: Configuration) -> tuple[IPv4Address, ...]:
    """Return the DNS servers that the lab's router must emulate.

    Raises:
        CannotWorkError: all of them have IPv6 addresses, and the lab has IPv4 only.
    """
    if not _is_static(configuration):
        return ()
    written = configuration.value("uplink_dns_servers")
    found = tuple(address for address in map(parse_ipv4, written) if address)
    if written and not found:
        raise CannotWorkError(
            f"{configuration.bridge}: uplink_dns_servers must include an IPv4 address for the lab",
            "add one with an IPv4 address",
        )
    return found


def _is_static(configuration: Configuration) -> bool:
    return bool(configuration.value("uplink_method") == "static")
