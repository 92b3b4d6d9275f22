"""Cross-checks of who gets in: the firewall's ports and limits, and sshd's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import Fault, variable_name
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import CrossCheck, Values

_PORTS = range(1, 65536)
_PER_MINUTE = "firewall_connections_per_minute"
_REQUESTS = "proxy_client_requests_per_minute"
_RANGES = {
    # A run of Ansible that makes a connection for each task needs the lower one.
    "firewall_ssh_connections_per_minute": range(30, 6001),
    _PER_MINUTE: range(600, 1_000_001),
    "sshd_max_auth_tries": range(1, 21),
}
# Ports that the firewall opens by itself, by what switches their services on; None for always.
_OWN_PORTS = {
    ("tcp", "proxy_http_port"): None,
    ("tcp", "proxy_https_port"): "proxy_https_enabled",
    ("tcp", "proxy_websocket_port"): "proxy_websocket_enabled",
    ("tcp", "proxy_sunvault_http_port"): "proxy_sunvault_enabled",
    ("tcp", "proxy_sunvault_modbus_port"): "proxy_sunvault_enabled",
    ("tcp", "proxy_sunvault_second_modbus_port"): "proxy_sunvault_enabled",
    ("tcp", "proxy_stats_port"): "proxy_stats_network",
}
_SSH, _DNS, _MDNS = 22, 53, 5353


def numbers_are_within_their_range(values: Values) -> Iterator[Fault]:
    """Below, the owner would be shut out; above, nobody would."""
    for name, possible in _RANGES.items():
        number = values.get(name)
        if isinstance(number, int) and number not in possible:
            span = f"{possible[0]} to {possible[-1]}"
            yield Fault((name,), f"{number} is not within {span}", f"write {span}")


def the_proxy_can_say_why_it_refuses(values: Values) -> Iterator[Fault]:
    """Whoever asks too often is to hear it, and not to be met with silence."""
    connections, requests = values.get(_PER_MINUTE), values.get(_REQUESTS)
    if not values.get("firewall_enabled"):
        return
    if isinstance(connections, int) and isinstance(requests, int) and connections < requests:
        problem = f"{connections} is less than {_REQUESTS}, {requests}"
        yield Fault((_PER_MINUTE,), problem, f"write {2 * requests}, or remove it")


def allowed_ports_are_others(values: Values) -> Iterator[Fault]:
    """What the bridge offers is open by itself, and what is written twice is taken away once."""
    own = _own_ports(values)
    seen: dict[tuple[str, int], int] = {}
    for index, entry in values.mappings("firewall_allow"):
        port, protocol = entry.get("port"), entry.get("protocol") or "tcp"
        path = ("firewall_allow", index, "port")
        if not isinstance(port, int):
            continue
        key = (str(protocol), port)
        if port not in _PORTS:
            yield Fault(path, f"{port} is no port", "choose one from 1 to 65535")
        elif key in own:
            yield Fault(path, f"{port} is {own[key]}", f"remove firewall_allow[{index}]")
        elif key in seen:
            first = variable_name(("firewall_allow", seen[key]))
            hint = f"name all its sources in {first}, and remove this one"
            yield Fault(path, f"{port} is open by {first}", hint)
        seen.setdefault(key, index)


def _own_ports(values: Values) -> dict[tuple[str, int], str]:
    """Say of each port that the bridge itself decides about how that is done."""
    own = {("tcp", _SSH): "SSH's port, which is open by itself"}
    for (protocol, name), switch in _OWN_PORTS.items():
        port = values.get(name)
        if isinstance(port, int) and switch is None:
            own[protocol, port] = f"{name}, which is open by itself"
        elif isinstance(port, int) and (values.get(switch or "") or name == "proxy_stats_port"):
            own[protocol, port] = f"{name}, which {switch} opens"
    if values.get("console_dns_enabled"):
        for protocol in ("tcp", "udp"):
            own[protocol, _DNS] = "the name server's, which console_dns_enabled opens"
    own["udp", _MDNS] = "mDNS's, which uplink_mdns opens"
    return own


def allowed_sources_are_networks(values: Values) -> Iterator[Fault]:
    """The program nft takes no other spelling, and would refuse the whole file."""
    for index, entry in values.mappings("firewall_allow"):
        sources = entry.get("sources")
        for position, written in enumerate(sources if isinstance(sources, list) else []):
            path = ("firewall_allow", index, "sources", position)
            try:
                network = ipaddress.ip_network(written, strict=False)
            except ValueError:
                yield Fault(path, f"{written!r} is no network", "write it such as 192.168.1.0/24")
                continue
            if written not in (str(network), str(network.network_address)):
                problem = f"{written!r} is not the address of a network with its prefix length"
                yield Fault(path, problem, f"write {network}")


def what_is_off_allows_nothing(values: Values) -> Iterator[Fault]:
    """Whoever lists what may come in believes that the rest may not."""
    if values.get("firewall_enabled") is False and values.get("firewall_allow"):
        yield Fault(
            ("firewall_allow",),
            "has no effect while firewall_enabled is false",
            "remove it, or set firewall_enabled: true",
        )


CHECKS: tuple[CrossCheck, ...] = (
    numbers_are_within_their_range,
    the_proxy_can_say_why_it_refuses,
    allowed_ports_are_others,
    allowed_sources_are_networks,
    what_is_off_allows_nothing,
)
