"""The lab has the addresses of the bridge's configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridgectl.errors import CannotWorkError
from bridgectl.rehearse.configuration import Configuration
from bridgectl.rehearse.home import topology_of
from pvs_lab.topology import Topology

Configure = Callable[..., Configuration]

STATIC = {
    "uplink_method": "static",
    "uplink_address": "192.168.1.20/24",
    "uplink_gateway": "192.168.1.1",
}


def test_a_configuration_with_dhcp_uses_the_default_topology(configure: Configure) -> None:
    assert topology_of(configure()) == Topology(
        client="192.168.20.2", bridge_names=("garage.local",)
    )


def test_static_addresses_are_used(configure: Configure) -> None:
    place = topology_of(
        configure(**STATIC, uplink_dns_servers=["192.168.1.1", "1.1.1.1", "fd00::1"])
    )
    assert (place.router, place.bridge, place.prefix) == ("192.168.1.1", "192.168.1.20", 24)
    assert place.name_servers == ("192.168.1.1", "1.1.1.1")
    assert place.client not in {place.router, place.bridge, *place.name_servers}


@pytest.mark.parametrize(
    ("pvs", "uplink", "link"),
    [
        ("192.168.20.30", "wlan0", "eth0"),
        ("192.168.77.1", "eth0", "eth1"),
        ("pvs6.local", "wlan0", "eth0"),
    ],
)
def test_a_pvs_at_home_is_in_the_home_network(
    configure: Configure, pvs: str, uplink: str, link: str
) -> None:
    place = topology_of(
        configure(pvs_link_type="home", pvs_link_pvs_address=pvs, uplink_interface=uplink)
    )
    assert place.pvs_at_home
    assert (place.home_interface, place.pvs_interface) == (uplink, link)
    assert place.pvs_name == ("pvs6" if pvs == "pvs6.local" else "")
    assert place.pvs_name or place.pvs == pvs


def test_a_pvs_outside_of_a_static_home_network_is_an_error(configure: Configure) -> None:
    with pytest.raises(CannotWorkError, match=r"must be in the network of uplink_address"):
        topology_of(configure(**STATIC, pvs_link_type="home", pvs_link_pvs_address="192.168.77.30"))


@pytest.mark.parametrize(
    ("address", "bridge", "router"),
    [
        ("10.1.2.3", "10.1.2.3", "10.1.2.1"),
        ("10.1.2.1", "10.1.2.1", "10.1.2.2"),
        # Public addresses and those of the PVS are not in a home network.
        ("203.0.113.9", Topology.bridge, Topology.router),
        ("172.27.153.9", Topology.bridge, Topology.router),
        ("fd00::20", Topology.bridge, Topology.router),
    ],
)
def test_a_private_ansible_host_is_the_address_from_the_router(
    configure: Configure, address: str, bridge: str, router: str
) -> None:
    place = topology_of(configure(address))
    assert (place.bridge, place.router, place.bridge_names) == (bridge, router, ())


@pytest.mark.parametrize(
    ("sources", "client"),
    [
        (["192.168.20.64/26"], "192.168.20.65"),
        (["10.9.0.0/16"], "10.9.0.3"),
        (["10.9.0.128/25", "192.168.0.0/30"], "10.9.0.131"),
    ],
)
def test_the_client_is_in_an_allowed_network(
    configure: Configure, sources: list[str], client: str
) -> None:
    place = topology_of(configure(proxy_source_networks=[*sources, "127.0.0.0/8", "fd00::/8"]))
    assert place.client == client


def test_names_and_interfaces_are_those_of_the_configuration(configure: Configure) -> None:
    place = topology_of(
        configure(
            health_address="solar.example.org",
            pvs_link_interface="eth1",
            uplink_interface="eth0",
            pvs_link_pvs_address="172.27.152.1",
        )
    )
    assert place.bridge_names == ("garage.local", "solar.example.org")
    assert (place.pvs_interface, place.home_interface, place.pvs) == (
        "eth1",
        "eth0",
        "172.27.152.1",
    )


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"uplink_address": "192.168.1.2/30"}, "no client of its home network"),
        ({"proxy_source_networks": ["10.0.0.0/8"]}, "no client of its home network"),
        ({"uplink_dns_servers": ["fd00::1"]}, "uplink_dns_servers must include an IPv4 address"),
    ],
)
def test_an_impossible_home_network_is_an_error(
    configure: Configure, changed: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CannotWorkError) as caught:
        topology_of(configure(**{**STATIC, **changed}))
    assert caught.value.issue.problem.startswith(f"garage: {problem}")
