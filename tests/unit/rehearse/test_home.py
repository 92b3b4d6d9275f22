"""The lab's home has the addresses that the bridge's description speaks of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridgectl.errors import CannotWorkError
from bridgectl.rehearse.configuration import Configuration
from bridgectl.rehearse.home import topology_of
from pvs_lab.topology import Topology

Describe = Callable[..., Configuration]

STATIC = {
    "uplink_method": "static",
    "uplink_address": "192.168.1.20/24",
    "uplink_gateway": "192.168.1.1",
}


def test_nothing_said_is_the_usual_home(describe: Describe) -> None:
    assert topology_of(describe()) == Topology(
        client="192.168.20.2", bridge_names=("garage.local",)
    )


def test_fixed_addresses_are_those_of_the_home(describe: Describe) -> None:
    place = topology_of(
        describe(**STATIC, uplink_dns_servers=["192.168.1.1", "1.1.1.1", "fd00::1"])
    )
    assert (place.router, place.bridge, place.prefix) == ("192.168.1.1", "192.168.1.20", 24)
    assert place.name_servers == ("192.168.1.1", "1.1.1.1")
    assert place.client not in {place.router, place.bridge, *place.name_servers}


@pytest.mark.parametrize(
    ("address", "bridge", "router"),
    [
        ("10.1.2.3", "10.1.2.3", "10.1.2.1"),
        ("10.1.2.1", "10.1.2.1", "10.1.2.2"),
        # Neither the world's addresses nor the PVS's are a home's.
        ("203.0.113.9", Topology.bridge, Topology.router),
        ("172.27.153.9", Topology.bridge, Topology.router),
        ("fd00::20", Topology.bridge, Topology.router),
    ],
)
def test_an_address_by_which_ansible_comes_in_is_the_one_that_the_router_gives(
    describe: Describe, address: str, bridge: str, router: str
) -> None:
    place = topology_of(describe(address))
    assert (place.bridge, place.router, place.bridge_names) == (bridge, router, ())


@pytest.mark.parametrize(
    ("sources", "client"),
    [
        (["192.168.20.64/26"], "192.168.20.65"),
        (["10.9.0.0/16"], "10.9.0.3"),
        (["10.9.0.128/25", "192.168.0.0/30"], "10.9.0.131"),
    ],
)
def test_the_client_is_one_whom_the_bridge_lets_in(
    describe: Describe, sources: list[str], client: str
) -> None:
    place = topology_of(describe(proxy_source_networks=[*sources, "127.0.0.0/8", "fd00::/8"]))
    assert place.client == client


def test_other_names_and_interfaces_are_as_described(describe: Describe) -> None:
    place = topology_of(
        describe(
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
        ({"uplink_dns_servers": ["fd00::1"]}, "uplink_dns_servers are all asked by IPv6"),
    ],
)
def test_a_home_that_the_lab_cannot_make_is_said_to_be_none(
    describe: Describe, changed: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CannotWorkError) as caught:
        topology_of(describe(**{**STATIC, **changed}))
    assert caught.value.issue.problem.startswith(f"garage: {problem}")
