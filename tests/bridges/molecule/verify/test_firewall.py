"""Who reaches the bridge, and who on it reaches the PVS: the list, and nothing else."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from pvs_lab.lab_client import LabClient

PVS = "172.27.153.1"
BRIDGE = "192.168.20.20"
# A foreign program that listens on every address of the Pi.
STRANGER = 9999
_KNOCK = f"{sys.executable} {Path(__file__).with_name('knocking.py')}"
_DATAGRAMS = Path(__file__).with_name("datagrams.py")
_LISTEN = (
    "systemd-run --quiet --collect --unit=stranger python3 -c 'import socket, time; "
    f'ear = socket.create_server(("", {STRANGER}), family=socket.AF_INET6, dualstack_ipv6=True); '
    "time.sleep(600)'"
)
_TABLE = "nft list table inet pvs_bridge_firewall"
# What two cores that do other things beside can be relied upon to knock.
_FASTEST_PER_MINUTE = 2400
# What goes and comes with nftables.service.
_OF_NFTABLES = ("pvs-bridge-firewall.service", "pvs-bridge-routing.service")


@pytest.fixture(scope="module")
def listening(lab: LabClient) -> Iterator[list[int]]:
    """The ports at which anything on the bridge listens, a stranger among them."""
    lab.output("bridge", _LISTEN)
    ports: set[int] = set()

    def stranger_listens() -> bool:
        sockets = lab.output("bridge", "ss --no-header --listening --tcp --numeric")
        ports.update(int(line.split()[3].rpartition(":")[2]) for line in sockets.splitlines())
        return STRANGER in ports

    assert lab.until(stranger_listens, 10)
    yield sorted(ports)
    lab.output("bridge", "systemctl stop stranger")


@pytest.fixture(scope="module")
def link_address(lab: LabClient) -> str:
    """The bridge's address in the PVS's network."""
    (link,) = json.loads(lab.output("bridge", "ip -json -4 address show dev eth0"))
    return str(link["addr_info"][0]["local"])


def knocked(lab: LabClient, host: str, address: str, ports: list[int]) -> dict[str, list[int]]:
    """Knock at the bridge's ports from another host; ports by what became of them."""
    found: dict[str, list[int]] = {}
    words = " ".join(str(port) for port in ports)
    for line in lab.output(host, f"{_KNOCK} {address} {words}").splitlines():
        port, state = line.split()
        found.setdefault(state, []).append(int(port))
    return found


def promised(variables: dict[str, Any]) -> list[int]:
    """The TCP ports that the description opens to the home, in other words than the role's."""
    ports = [22, *(each["port"] for each in variables["firewall_allow"])]
    if variables["console_dns_enabled"]:
        ports.append(53)
    if variables["bridge_mode"] != "routed":
        ports.append(variables["proxy_http_port"])
        if variables["proxy_https"] != "off":
            ports.append(variables["proxy_https_port"])
        for switch, names in {
            "proxy_websocket_enabled": ["proxy_websocket_port"],
            "proxy_stats_network": ["proxy_stats_port"],
            "proxy_sunvault_enabled": [
                "proxy_sunvault_http_port",
                "proxy_sunvault_modbus_port",
                "proxy_sunvault_second_modbus_port",
            ],
        }.items():
            ports += [variables[name] for name in names if variables[switch]]
    return sorted(ports)


def test_the_home_reaches_exactly_what_is_promised(
    lab: LabClient, variables: dict[str, Any], listening: list[int]
) -> None:
    found = knocked(lab, "client", BRIDGE, listening)
    assert found["open"] == promised(variables), found
    # A program goes on at once.
    others = [each for each in listening if each not in found["open"]]
    assert found.get("refused", []) == others, found


def test_the_home_reaches_no_more_by_ipv6(
    lab: LabClient, variables: dict[str, Any], listening: list[int]
) -> None:
    shown = lab.output("bridge", "ip -6 -brief address show dev wlan0 scope link")
    match = re.search(r"fe80::[0-9a-f:]+", shown)
    if match is None:
        pytest.skip("this bridge's uplink has no IPv6")
    found = knocked(lab, "client", f"{match[0]}%lan0", listening)
    assert 22 in found["open"], found
    assert set(found["open"]) <= set(promised(variables)), found
    others = [each for each in listening if each not in found["open"]]
    assert found.get("refused", []) == others, found


def test_the_pvs_reaches_nothing_and_hears_nothing(
    lab: LabClient, listening: list[int], link_address: str
) -> None:
    assert knocked(lab, "pvs", link_address, listening) == {"silent": listening}


def test_no_datagram_reaches_a_stranger(lab: LabClient, link_address: str) -> None:
    hear = f"python3 -c {shlex.quote(_DATAGRAMS.read_text())} hear"
    say = f"{sys.executable} {_DATAGRAMS} say"
    with ThreadPoolExecutor() as pool:
        heard = pool.submit(lab.output, "bridge", hear)
        pool.submit(lab.output, "client", f"{say} {BRIDGE}")
        pool.submit(lab.output, "pvs", f"{say} {link_address}")
        assert heard.result() == ""


def test_an_address_that_connects_too_often_is_not_answered_any_more_and_others_are(
    lab: LabClient, variables: dict[str, Any], url: str
) -> None:
    if variables["bridge_mode"] == "routed":
        pytest.skip("the bridge answers no client here")
    # No client is counted yet.
    table = lab.output("bridge", f"systemctl restart pvs-bridge-firewall && {_TABLE}")
    limit = int(re.findall(r"@ipv4 \{ ip saddr limit rate over (\d+)/minute", table)[0])
    if limit > _FASTEST_PER_MINUTE:
        pytest.skip("to knock that fast takes a machine of its own")
    port = variables["proxy_http_port"]
    lab.output("client", "ip address add 192.168.20.99/32 dev lan0")
    try:
        knocks = f"{_KNOCK} --until-silent {2 * limit} {BRIDGE} {port} 192.168.20.99"
        answered = int(lab.output("client", knocks))
    finally:
        lab.output("client", "ip address delete 192.168.20.99/32 dev lan0")
    # Some time passes meanwhile, in which more become due.
    assert limit <= answered < 2 * limit
    lab.output("client", f"curl --fail --silent --output /dev/null {url}/")


def test_only_haproxy_and_the_health_check_reach_the_pvs(lab: LabClient, bridge: Host) -> None:
    connect = "python3 -c 'import socket; socket.create_connection((\"{}\", {}), 3)'"
    # Root with the group haproxy is the health check; root without it may be a container.
    assert (
        lab.run("bridge", f"setpriv --regid=haproxy --clear-groups {connect.format(PVS, 80)}")[0]
        == 0
    )
    for port in (443, 9002):
        checked = f"setpriv --regid=haproxy --clear-groups {connect.format(PVS, port)}"
        assert "unreachable" in lab.run("bridge", checked)[1]
    assert "unreachable" in lab.run("bridge", connect.format(PVS, 80))[1]
    refused = bridge.run(connect.format(PVS, 80))
    assert "unreachable" in refused.stderr
    haproxy = f"runuser --user haproxy -- {connect.format(PVS, 443)}"
    assert lab.run("bridge", haproxy)[0] == 0


def test_an_ordinary_user_learns_that_the_pvs_was_not_asked(bridge: Host) -> None:
    links = json.loads(bridge.run("pvs-bridge health --json").stdout)["links"]
    (link,) = [each for each in links if each["link"] == "pvs"]
    assert (link["state"], "only root" in link["seen"]) == ("unknown", True)


def test_it_is_gone_while_its_unit_is_stopped_and_back_with_it(lab: LabClient) -> None:
    lab.output("bridge", "systemctl stop pvs-bridge-firewall")
    try:
        assert lab.run("bridge", _TABLE)[0] != 0
    finally:
        lab.output("bridge", "systemctl start pvs-bridge-firewall")
    lab.output("bridge", _TABLE)


def test_it_comes_back_after_a_firewall_that_empties_all_tables(lab: LabClient) -> None:
    lab.output("bridge", "systemctl restart nftables")
    try:
        assert lab.until(lambda: lab.run("bridge", _TABLE)[0] == 0, 10)
    finally:
        lab.output("bridge", "systemctl stop nftables")
        units = lab.output("bridge", "ls /etc/systemd/system/sysinit.target.wants")
        ours = [each for each in units.split() if each in _OF_NFTABLES]
        lab.output("bridge", f"systemctl start {' '.join(ours)}")
