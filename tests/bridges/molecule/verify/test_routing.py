"""The way from the home to the PVS itself: open where the mode says so, and no other way ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pvs_lab.lab_client import LabClient

PVS = "172.27.153.1"
BRIDGE = "192.168.20.20"
ADDRESSES = {"router": "192.168.20.1", "client": "192.168.20.10"}
# Where the router stands for the world behind it.
WORLD = "192.0.2.1"

_PROJECT = Path(__file__).resolve().parents[4]
_DATAGRAMS = f"{sys.executable} {Path(__file__).with_name('datagrams.py')}"
_ASK = f"curl --fail --silent --max-time 5 'http://{PVS}/cgi-bin/dl_cgi?Command=DeviceList'"
_ASK_FOR_CONSOLE = f"dig +short +time=2 +tries=1 @{BRIDGE} sunpowerconsole.com A"
_UNIT = "/etc/systemd/system/pvs-bridge-routing.service"
_FILTER = "/etc/pvs-bridge/routing.nft"
# One that lives in the PVS's network, and one of the internet.
_FOREIGN_SENDERS = ["172.27.153.77", "203.0.113.7"]

Add = Callable[[str, str], None]


@pytest.fixture(scope="module")
def routed(variables: dict[str, Any]) -> bool:
    """Whether this scenario's home has a way to the PVS itself."""
    return bool(variables["bridge_mode"] != "proxy")


@pytest.fixture
def _only_where_routed(routed: bool) -> None:
    if not routed:
        pytest.skip("this bridge does not route to the PVS")


only_where_routed = pytest.mark.usefixtures("_only_where_routed")


@pytest.fixture
def link_address(lab: LabClient) -> str:
    """The bridge's address in the PVS's network."""
    (link,) = json.loads(lab.output("bridge", "ip -json -4 address show dev eth0"))
    return str(link["addr_info"][0]["local"])


@pytest.fixture
def add(lab: LabClient) -> Iterator[Add]:
    """Give a host a route or an address, in the words of ``ip``, for the time of a test."""
    with ExitStack() as stack:

        def add_for_now(host: str, what: str) -> None:
            kind, _, which = what.partition(" ")
            lab.output(host, f"ip {kind} add {which}")
            stack.callback(lab.output, host, f"ip {kind} delete {which}")

        yield add_for_now


@pytest.fixture
def route(add: Add) -> None:
    """Give the client the route that the home's router would have."""
    add("client", f"route 172.27.153.0/24 via {BRIDGE}")


def reaches_the_pvs(lab: LabClient) -> bool:
    """Whether the client gets the device list from the PVS itself."""
    status, printed = lab.run("client", _ASK)
    return status == 0 and json.loads(printed)["result"] == "succeed"


def heard(lab: LabClient, speaker: str, listener: str, address: str, sender: str = "") -> str:
    """Let a host send something to an address of another; as who that one hears it."""
    with ThreadPoolExecutor() as pool:
        hears = pool.submit(lab.output, listener, f"{_DATAGRAMS} hear")
        lab.output(speaker, f"{_DATAGRAMS} say {address} {sender}")
        return hears.result().strip()


def forwarding(lab: LabClient) -> str:
    """What the kernel forwards: IPv4, then IPv6."""
    names = "net.ipv4.ip_forward net.ipv6.conf.all.forwarding"
    return " ".join(lab.output("bridge", f"sysctl --values {names}").split())


def has_filter(lab: LabClient) -> bool:
    """Whether the filter is loaded."""
    return "pvs_bridge_routing" in lab.output("bridge", "nft list tables")


def has_traces(lab: LabClient) -> bool:
    """Whether anything of such a way is on the bridge's card, or in its systemd."""
    known = lab.run("bridge", "systemctl cat pvs-bridge-routing")[0] == 0
    return known or lab.run("bridge", f"ls -d {_UNIT} {_FILTER}")[1].count("No such file") < 2


@pytest.mark.usefixtures("route")
def test_a_client_with_a_route_reaches_the_pvs_itself_only_where_the_mode_says_so(
    lab: LabClient, routed: bool
) -> None:
    assert reaches_the_pvs(lab) == routed


@only_where_routed
def test_a_client_without_a_route_does_not_reach_the_pvs_itself(lab: LabClient) -> None:
    assert not reaches_the_pvs(lab)


@pytest.mark.usefixtures("route")
def test_the_pvs_hears_the_bridge_in_place_of_the_client(
    lab: LabClient, routed: bool, link_address: str
) -> None:
    # It has no route to the home, so it can answer only the Pi.
    assert heard(lab, "client", "pvs", PVS) == (link_address if routed else "")


@only_where_routed
@pytest.mark.usefixtures("route")
@pytest.mark.parametrize("sender", _FOREIGN_SENDERS)
def test_who_does_not_live_at_home_is_not_let_through(
    lab: LabClient, add: Add, sender: str
) -> None:
    add("client", f"address {sender}/32 dev lan0")
    assert heard(lab, "client", "pvs", PVS, sender) == ""


@pytest.mark.parametrize("host", ADDRESSES)
def test_the_pvs_reaches_no_host_at_home(
    lab: LabClient, add: Add, link_address: str, host: str
) -> None:
    add("pvs", f"route 192.168.20.0/24 via {link_address}")
    assert heard(lab, "pvs", host, ADDRESSES[host]) == ""


def test_a_host_at_home_would_hear_who_reaches_it(lab: LabClient) -> None:
    assert heard(lab, "client", "router", ADDRESSES["router"]) == ADDRESSES["client"]


def test_neither_side_reaches_the_world_through_the_bridge(
    lab: LabClient, add: Add, link_address: str
) -> None:
    add("router", f"address {WORLD}/32 dev lo")
    lab.output("bridge", f"ping -c 1 -W 5 {WORLD}")
    add("pvs", f"route {WORLD} via {link_address}")
    assert heard(lab, "pvs", "router", WORLD) == ""
    add("client", f"route {WORLD} via {BRIDGE}")
    assert heard(lab, "client", "router", WORLD) == ""


@only_where_routed
def test_the_home_reaches_no_other_network_on_the_side_of_the_pvs(lab: LabClient, add: Add) -> None:
    add("pvs", "address 172.27.152.1/24 dev lan1")
    add("bridge", "route 172.27.152.0/24 dev eth0")
    lab.output("pvs", "ping -c 1 -W 5 172.27.152.1")
    add("client", f"route 172.27.152.0/24 via {BRIDGE}")
    assert heard(lab, "client", "pvs", "172.27.152.1") == ""


@only_where_routed
@pytest.mark.usefixtures("route")
def test_the_home_cannot_ask_the_pvs_for_an_address(lab: LabClient) -> None:
    log = f"/run/pvs-bridge-labs/{lab.name}/log/pvs-dhcp.log"
    lab.output("client", f"{_DATAGRAMS} ask-for-lease {PVS} {ADDRESSES['client']}")
    # What comes after it shows that it had the time to arrive.
    heard(lab, "client", "pvs", PVS)
    assert "02:70:76:73:ff:ff" not in lab.output("pvs", f"cat {log}")
    assert ADDRESSES["client"] not in lab.output("pvs", f"cat {log}")


def test_the_kernel_forwards_ipv4_only_where_the_mode_says_so_and_never_ipv6(
    lab: LabClient, routed: bool
) -> None:
    assert forwarding(lab) == ("1 0" if routed else "0 0")


def test_a_bridge_that_does_not_route_has_no_routing_rules(lab: LabClient, routed: bool) -> None:
    assert has_traces(lab) == routed


@only_where_routed
def test_nothing_is_forwarded_without_the_filter(lab: LabClient) -> None:
    lab.output("bridge", "systemctl stop pvs-bridge-routing")
    try:
        assert (forwarding(lab), has_filter(lab)) == ("0 0", False)
    finally:
        lab.output("bridge", "systemctl start pvs-bridge-routing")
    assert (forwarding(lab), has_filter(lab)) == ("1 0", True)


@only_where_routed
def test_nothing_is_forwarded_where_the_filter_cannot_be_loaded(lab: LabClient) -> None:
    lab.output("bridge", f"cp {_FILTER} /root/ && echo nonsense >> {_FILTER}")
    try:
        status, _ = lab.run("bridge", "systemctl restart pvs-bridge-routing")
        assert status != 0
        assert (forwarding(lab), has_filter(lab)) == ("0 0", False)
    finally:
        lab.output("bridge", f"mv /root/{Path(_FILTER).name} {_FILTER}")
        lab.output("bridge", "systemctl restart pvs-bridge-routing")
    assert (forwarding(lab), has_filter(lab)) == ("1 0", True)


@only_where_routed
def test_the_filter_comes_back_after_a_firewall_that_empties_all_tables(lab: LabClient) -> None:
    lab.output("bridge", "systemctl restart nftables")
    try:
        assert lab.until(lambda: has_filter(lab), 10)
    finally:
        ours = "pvs-bridge-firewall pvs-bridge-routing"
        lab.output("bridge", f"systemctl stop nftables; systemctl start {ours}")


def provision(mode: str, variables: dict[str, Any]) -> str:
    """Give the bridge another mode; what the run printed."""
    changed = {"bridge_mode": mode, "console_dns_enabled": variables["console_dns_enabled"]}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "--inventory=inventory/lab",
         "ansible/site.yml", "--extra-vars", json.dumps(changed)],
        cwd=_PROJECT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@only_where_routed
@pytest.mark.usefixtures("route")
def test_another_mode_takes_effect_at_once_and_leaves_nothing_behind(
    lab: LabClient, variables: dict[str, Any]
) -> None:
    try:
        printed = provision("routed", variables)
        assert f"network 172.27.153.0, netmask 255.255.255.0, gateway {BRIDGE}" in printed
        assert reaches_the_pvs(lab)
        assert lab.output("client", _ASK_FOR_CONSOLE).split() == [PVS]
        printed = provision("proxy", variables)
        assert "static route" not in printed
        assert not reaches_the_pvs(lab)
        assert lab.output("client", _ASK_FOR_CONSOLE).split() == [BRIDGE]
        assert (forwarding(lab), has_filter(lab), has_traces(lab)) == ("0 0", False, False)
    finally:
        provision(variables["bridge_mode"], variables)
    assert reaches_the_pvs(lab)
