"""Rules for the firewall's ports and limits."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue, variable_name
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules.ranges import (
    PORTS,
    range_issues,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

_PER_MINUTE = "firewall_connections_per_minute"
_REQUESTS = "proxy_client_requests_per_minute"
# Ports that the firewall opens by itself, with the switch of their service; None for always.
_OWN_PORTS = {
    ("tcp", "proxy_http_port"): None,
    ("tcp", "proxy_https_port"): "proxy_https",
    ("tcp", "proxy_websocket_port"): "proxy_websocket_enabled",
    ("tcp", "proxy_sunvault_http_port"): "proxy_sunvault_enabled",
    ("tcp", "proxy_sunvault_modbus_port"): "proxy_sunvault_enabled",
    ("tcp", "proxy_sunvault_second_modbus_port"): "proxy_sunvault_enabled",
    ("tcp", "proxy_stats_port"): "proxy_stats_network",
}
_SSH, _DNS, _MDNS = 22, 53, 5353


def check_connection_limit(values: Values) -> Iterator[Issue]:
    """The proxy must be able to answer 429 before the firewall drops the connections."""
    connections, requests = values.get(_PER_MINUTE), values.get(_REQUESTS)
    if not values.get("firewall_enabled"):
        return
    if isinstance(connections, int) and isinstance(requests, int) and connections < requests:
        problem = f"must be at least {_REQUESTS} ({requests}), got {connections}"
        yield Issue.at((_PER_MINUTE,), problem, f"set it to {2 * requests}, or remove it")


def check_allowed_ports(values: Values) -> Iterator[Issue]:
    """The firewall opens the bridge's own ports itself; duplicates would be ambiguous."""
    own = _own_ports(values)
    seen: dict[tuple[str, int], int] = {}
    for index, entry in values.mappings("firewall_allow"):
        port, protocol = entry.get("port"), entry.get("protocol") or "tcp"
        path = ("firewall_allow", index, "port")
        if not isinstance(port, int):
            continue
        key = (str(protocol), port)
        if port not in PORTS:
            yield from range_issues(path, port, PORTS)
        elif key in own:
            yield Issue.at(path, f"{port} is {own[key]}", f"remove firewall_allow[{index}]")
        elif key in seen:
            first = variable_name(("firewall_allow", seen[key]))
            hint = f"list all sources in {first}, and remove this entry"
            yield Issue.at(path, f"{port} is already opened by {first}", hint)
        seen.setdefault(key, index)


def _own_ports(values: Values) -> dict[tuple[str, int], str]:
    """Return the ports that the firewall opens by itself, each with its reason."""
    own = {("tcp", _SSH): "the port of SSH, which is always open"}
    for (protocol, name), switch in _OWN_PORTS.items():
        port = values.get(name)
        if isinstance(port, int) and switch is None:
            own[protocol, port] = f"{name}, which is always open"
        elif isinstance(port, int) and (
            values.get(switch or "") not in (None, False, "off") or name == "proxy_stats_port"
        ):
            own[protocol, port] = f"{name}, which {switch} opens"
    if values.get("console_dns_enabled"):
        for protocol in ("tcp", "udp"):
            own[protocol, _DNS] = "the port of the DNS server, which console_dns_enabled opens"
    own["udp", _MDNS] = "the port of mDNS, which uplink_mdns opens"
    return own


def check_allowed_sources(values: Values) -> Iterator[Issue]:
    """The program nft accepts only this notation, and would reject the whole file."""
    for index, entry in values.mappings("firewall_allow"):
        sources = entry.get("sources")
        for position, written in enumerate(sources if isinstance(sources, list) else []):
            path = ("firewall_allow", index, "sources", position)
            try:
                network = ipaddress.ip_network(written, strict=False)
            except ValueError:
                hint = "use a network such as 192.168.1.0/24"
                yield Issue.at(path, f"must be a network, got {written!r}", hint)
                continue
            if written not in (str(network), str(network.network_address)):
                problem = f"must be a network address with its prefix length, got {written!r}"
                yield Issue.at(path, problem, f"write {network}")


def check_allow_is_used(values: Values) -> Iterator[Issue]:
    """Without the firewall, all ports are open."""
    if values.get("firewall_enabled") is False and values.get("firewall_allow"):
        yield Issue.at(
            ("firewall_allow",),
            "has no effect while firewall_enabled is false",
            "remove it, or set firewall_enabled: true",
        )


RULES: tuple[Rule, ...] = (
    check_connection_limit,
    check_allowed_ports,
    check_allowed_sources,
    check_allow_is_used,
)
