"""A lab's topology: given in part, refused where no network can be made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pvs_lab.errors import LabError
from pvs_lab.topology import Topology


def test_what_is_not_given_is_as_usual() -> None:
    topology = Topology.from_json('{"name_servers": ["1.1.1.1"], "home_interface": "eth1"}')
    assert topology == Topology(name_servers=("1.1.1.1",), home_interface="eth1")
    assert Topology.from_json("{}") == Topology()


def test_it_survives_a_command_line() -> None:
    topology = Topology(prefix=16, bridge_names=("garage.local", "solar.example.org"))
    assert Topology.from_json(topology.to_json()) == topology


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"router": "192.168.20"}, "Expected 4 octets"),
        ({"prefix": 30}, "must be at most 29, got 30"),
        ({"prefix": 33}, "33"),
        ({"pvs": "192.168.20.5"}, "the PVS 192.168.20.5 must not be in the home network"),
        ({"pvs_at_home": True}, "all hosts must be in 192.168.20.0/24"),
        (
            {"pvs": "192.168.20.10", "pvs_at_home": True},
            "the hosts must have different addresses",
        ),
        ({"pvs_name": "pvs6"}, "a PVS at its cable announces no name"),
        (
            {"pvs": "192.168.20.30", "pvs_at_home": True, "pvs_name": "a b"},
            "pvs_name must be a host name",
        ),
        ({"client": "192.168.21.10"}, "all hosts must be in 192.168.20.0/24"),
        ({"bridge": "192.168.20.255"}, "all hosts must be in 192.168.20.0/24"),
        ({"bridge": "192.168.20.1"}, "the hosts must have different addresses"),
        (
            {"name_servers": ["192.168.20.10"]},
            "a name server must not have the address of another host",
        ),
        ({"home_interface": "eth0"}, "the interfaces must have two valid names"),
        ({"home_interface": "wlan 0"}, "the interfaces must have two valid names"),
        ({"bridge_names": ["a,b"]}, "bridge_names must be host names"),
        ({"bridges": 2}, "unexpected keyword argument 'bridges'"),
        ({"prefix": "24"}, "not supported between"),
        ([], "has no attribute 'items'"),
    ],
)
def test_what_cannot_be_is_refused(changed: Any, problem: str) -> None:  # noqa: ANN401
    with pytest.raises(LabError) as caught:
        Topology.from_json(json.dumps(changed))
    assert problem in caught.value.problem
    assert caught.value.problem.startswith("the lab's topology")


def test_the_router_may_be_its_own_name_server() -> None:
    assert Topology(name_servers=("192.168.20.1",)).router == "192.168.20.1"
