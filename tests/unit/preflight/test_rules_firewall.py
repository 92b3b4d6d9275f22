"""Who gets in: ports, sources and limits that cannot be meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue

Check = Callable[..., list[Issue]]


def allow(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"firewall_allow": list(entries)}


def sources(*networks: str) -> dict[str, Any]:
    return allow({"port": 9100, "sources": list(networks)})


GOOD: dict[str, dict[str, Any]] = {
    "nothing beside the bridge": allow(),
    "a port": allow({"port": 9100}),
    "one port in two protocols": allow({"port": 514}, {"port": 514, "protocol": "udp"}),
    "networks and addresses of both families": sources(
        "192.168.1.0/24", "192.168.1.7", "fd00::/8", "fe80::1", "10.0.0.1/32"
    ),
    "a DNS server of the user": allow({"port": 53, "protocol": "udp"}),
    "an HTTPS server of the user": {**allow({"port": 443}), "proxy_https": "off"},
    "what the proxy answers decides": {"proxy_client_requests_per_minute": 6000},
    "a quiet home": {"firewall_connections_per_minute": 1200},
    "a busy home": {
        "firewall_connections_per_minute": 1_000_000,
        "firewall_ssh_connections_per_minute": 6000,
    },
    "no firewall": {"firewall_enabled": False, "firewall_connections_per_minute": 600},
    "one try": {"sshd_max_auth_tries": 1},
}


@pytest.mark.parametrize("changed", GOOD.values(), ids=GOOD)
def test_what_can_be_meant_gives_no_finding(check_project: Check, changed: dict[str, Any]) -> None:
    assert [str(each) for each in check_project(**changed)] == []


BAD: list[tuple[dict[str, Any], str, str]] = [
    (allow({"port": 0}), "firewall_allow[0].port", "from 1 to 65535"),
    (allow({"port": 65536}), "firewall_allow[0].port", "use at most 65535"),
    (allow({"protocol": "tcp"}), "firewall_allow[0].port", "is missing"),
    (allow({"port": 9, "protocol": "icmp"}), "firewall_allow[0].protocol", "udp"),
    (allow({"port": 22}), "firewall_allow[0].port", "always open"),
    (allow({"port": 80}), "firewall_allow[0].port", "proxy_http_port, which is always open"),
    (allow({"port": 9002}), "firewall_allow[0].port", "proxy_websocket_enabled opens"),
    (allow({"port": 8080}), "firewall_allow[0].port", "proxy_stats_network opens"),
    (allow({"port": 5353, "protocol": "udp"}), "firewall_allow[0].port", "uplink_mdns opens"),
    (allow({"port": 443}), "firewall_allow[0].port", "proxy_https opens"),
    (
        {**allow({"port": 53, "protocol": "udp"}), "console_dns_enabled": True},
        "firewall_allow[0].port",
        "console_dns_enabled opens",
    ),
    (
        allow({"port": 9100, "sources": ["10.0.0.1"]}, {"port": 9100}),
        "firewall_allow[1].port",
        "already opened by firewall_allow[0]",
    ),
    (sources("home"), "firewall_allow[0].sources[0]", "such as 192.168.1.0/24"),
    (sources("192.168.1.7/24"), "firewall_allow[0].sources[0]", "write 192.168.1.0/24"),
    (sources("10.0.0.0/255.0.0.0"), "firewall_allow[0].sources[0]", "write 10.0.0.0/8"),
    (sources("fd00::1", "FD00::/8"), "firewall_allow[0].sources[1]", "write fd00::/8"),
    ({**allow({"port": 9100}), "firewall_enabled": False}, "firewall_allow", "has no effect"),
    ({"firewall_connections_per_minute": 599}, "firewall_connections_per_minute", "600 to"),
    (
        {"firewall_connections_per_minute": 1199},
        "firewall_connections_per_minute",
        "set it to 2400, or remove it",
    ),
    ({"firewall_ssh_connections_per_minute": 29}, "firewall_ssh_connections_per_minute", "30 to"),
    ({"sshd_max_auth_tries": 0}, "sshd_max_auth_tries", "1 to 20"),
]


@pytest.mark.parametrize(("changed", "variable", "said"), BAD, ids=[each[2] for each in BAD])
def test_what_cannot_be_meant_is_found_with_its_hint(
    check_project: Check, changed: dict[str, Any], variable: str, said: str
) -> None:
    (finding,) = check_project(**changed)
    assert finding.location.variable == variable
    assert said in str(finding)
