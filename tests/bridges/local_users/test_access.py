"""What users of the Pi may do on a bridge, and not on a plain Pi: use the ports of the bridge."""

from __future__ import annotations

import json
import re

import pytest
from bridges.local_users.conftest import Pis
from bridges.local_users.users import ROOT, USERS, User

on_every_user = pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
core = pytest.mark.core

# What a user of the Pi gets by each port is what the home gets.
_PORTS = {"tcp 0.0.0.0 80", "tcp 0.0.0.0 443", "tcp 0.0.0.0 9002", "tcp 127.0.0.1 8080"}
_MORE_PORTS = {
    # HTTPS and the SunVault are passed through, for the home as well.
    "tcp 0.0.0.0 443", "tcp 0.0.0.0 502", "tcp 0.0.0.0 503", "tcp 0.0.0.0 8171",
    # The names of the console.
    "tcp 192.168.20.20 53", "tcp6 fe80:: 53", "udp 192.168.20.20 53", "udp6 fe80:: 53",
    "tcp 0.0.0.0 80", "tcp 0.0.0.0 8080", "tcp 0.0.0.0 9002",
}  # fmt: skip
# systemd and the kernel choose the rest of these at random.
_RANDOM = re.compile(r"((?<=@)|fe80::)[0-9a-f:]{6,}")
_PVS = "172.27.153.1"

_REACH = """
import json, socket, sys
for address, kind, port in json.load(sys.stdin):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, getattr(socket, kind)) as each:
        each.settimeout(2)
        try:
            each.connect((address, port))
            if kind == "SOCK_DGRAM":
                each.send(b"SetAP")
            print(address, kind, port)
        except OSError:
            pass
"""
_ASK = """
import json, socket, sys, time
def connect(port):
    # haproxy may not have counted off a connection yet that has just ended.
    for _ in range(50):
        try:
            return socket.create_connection(("127.0.0.1", port), 5)
        except ConnectionResetError:
            time.sleep(0.1)
    sys.exit(f"port {port} refuses every connection")
asked = json.load(sys.stdin)
for port, request in asked:
    with connect(port) as each:
        each.settimeout(20)
        each.sendall(request.encode())
        answer = b""
        try:
            while b"\\r\\n" not in answer and (piece := each.recv(4096)):
                answer += piece
        except OSError:
            pass
    print(json.dumps([port, request.split(" HTTP/")[0], answer.partition(b"\\r\\n")[0].decode()]))
"""
# What a container engine does: it forwards, and hides the container behind the Pi's address.
_CONTAINER_NETWORK = """
set -e
ip netns add box
ip link add box0 type veth peer name eth0 netns box
ip address add 10.88.0.1/16 dev box0
ip link set box0 up
ip netns exec box ip address add 10.88.0.2/16 dev eth0
ip netns exec box ip link set eth0 up
ip netns exec box ip route add default via 10.88.0.1
sysctl -w net.ipv4.ip_forward=1
nft 'table ip box { chain nat { type nat hook postrouting priority srcnat;
    ip saddr 10.88.0.0/16 masquerade; };
    chain forward { type filter hook forward priority filter; policy accept; }; }'
"""


def added(pis: Pis, user: User) -> dict[str, set[str]]:
    """Return what a user may do on the bridge alone, by kinds, without empty ones."""
    found = {}
    for lab in (pis.plain, pis.bridge):
        found[lab] = {
            kind: {_RANDOM.sub(r"\1", name) for name in names}
            for kind, names in user.rights(lab.name, pis.secrets).items()
        }
    plain, bridge = found[pis.plain], found[pis.bridge]
    return {kind: more for kind, names in bridge.items() if (more := names - plain[kind])}


@core
def test_the_survey_sees_what_root_may_do(pis: Pis) -> None:
    found = added(pis, ROOT)
    assert "stream /run/haproxy/serial.sock" in found["sockets"]
    assert "/etc/haproxy/haproxy.cfg" in found["writes"]
    assert any("pvs-bridge" in path for path in found["secrets"]), found["secrets"]


@core
@on_every_user
def test_a_user_may_do_no_more_than_on_a_plain_pi_but_ask_at_the_ports(
    pis: Pis, user: User
) -> None:
    found = added(pis, user)
    ports = _MORE_PORTS if pis.everything else _PORTS
    assert found.pop("ports") ^ ports == set()
    assert found == {}


@core
@on_every_user
def test_no_user_reaches_the_pvs_or_its_network(pis: Pis, user: User) -> None:
    listening = pis.bridge.output("pvs", "ss -Hltun")
    ports = sorted({int(line.split()[4].rpartition(":")[2]) for line in listening.splitlines()})
    assert {80, 443, 9002} <= set(ports)
    tried = [
        (address, kind, port)
        for address in (_PVS, "172.27.153.171", "172.27.153.255")
        for kind in ("SOCK_STREAM", "SOCK_DGRAM")
        for port in (*ports, 502, 1234)
    ]
    before = pis.bridge.simulator("/_sim/stats")["connections"]
    assert user.python(pis.bridge.name, _REACH, given=json.dumps(tried)) == ""
    assert pis.bridge.simulator("/_sim/stats")["connections"] == before


def test_a_container_with_a_network_of_its_own_does_not_reach_the_pvs(pis: Pis) -> None:
    bridge = pis.bridge
    before = bridge.output("bridge", "sysctl net.ipv4.ip_forward").split()[-1]
    bridge.output("bridge", _CONTAINER_NETWORK)
    try:
        reach = (
            "ip netns exec box python3 -c "
            "'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)' "
        )
        assert bridge.until(lambda: bridge.run("bridge", f"{reach} 10.88.0.1 80")[0] == 0)
        for address, port in ((_PVS, 80), (_PVS, 443), (_PVS, 9002), ("172.27.153.171", 80)):
            assert "timed out" in bridge.run("bridge", f"{reach} {address} {port}")[1]
    finally:
        bridge.output(
            "bridge",
            f"ip netns delete box; nft delete table ip box; sysctl -w net.ipv4.ip_forward={before}",
        )


@core
@on_every_user
def test_no_user_changes_the_plant_or_the_bridge_by_a_port(pis: Pis, user: User) -> None:
    commands = (
        "SetCellPurchased", "StartDiscovery", "GridProfileSet", "SetMeterCt", "ExportLimitSet",
        "ChangeSerialNumber", "SetAP", "StartFWUpgrade",
    )  # fmt: skip
    lines = [
        *(f"GET /cgi-bin/dl_cgi?Command={each}" for each in commands),
        "GET /vars?set=/sys/telemetryws/enable=1",
        "POST /cgi-bin/dl_cgi/devices/list", "PUT /", "DELETE /", "CONNECT 172.27.153.1:80",
        "POST /;csv",
    ]  # fmt: skip
    body = "s=pvs&action=maint&b=%235"
    head = f" HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    empty = " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    asked = [
        (port, f"{line}{empty if line.startswith('GET') else head}")
        for port in (80, 9002, 8080)
        for line in lines
    ]
    answers = user.python(pis.bridge.name, _ASK, given=json.dumps(asked)).splitlines()
    passed = [each for each in map(json.loads, answers) if not re.search(r" (4\d\d|501) ", each[2])]
    # The page of the statistics is the same for every path, and changes nothing.
    assert [each for each in passed if each[0] != 8080] == []
    assert pis.writes() == []
    page = pis.bridge.output("bridge", "pvs-bridge health --json")
    assert json.loads(page)["healthy"] is True
