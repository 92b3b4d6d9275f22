"""A Pi as it comes from the Imager: it takes whatever the PVS offers, and can be treated badly."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from pvs_lab import lifecycle, login, network
from pvs_lab.lab_client import LabClient

pytestmark = pytest.mark.needs_system

Command = Callable[..., "subprocess.CompletedProcess[str]"]

CONNECT = (
    f"python3 -c \"import socket; socket.create_connection(('{network.PVS_ADDRESS}', 80), 2)\""
)


def has_fallen_into_the_trap(lab: LabClient) -> bool:
    """Whether the Pi sends the world's packets, and its questions for names, to the PVS."""
    status, printed = lab.run("bridge", "ip -json route get 192.0.2.1")
    found: list[dict[str, Any]] = json.loads(printed) if status == 0 else [{}]
    servers = lab.output("bridge", "grep nameserver /etc/resolv.conf || true").split()
    return (
        found[0].get("gateway") == network.PVS_ADDRESS
        and found[0]["dev"] == "eth0"
        and network.PVS_ADDRESS in servers
    )


def cable_of_the_bridge(lab: LabClient) -> str:
    """Number the PVS's end of its cable to the bridge; a new cable has a new number."""
    return lab.run("pvs", "cat /sys/class/net/port/ifindex")[1]


def test_a_fresh_pi_takes_the_route_and_the_name_server_of_the_pvs(lab: LabClient) -> None:
    assert lab.until(lambda: has_fallen_into_the_trap(lab)), lab.output("bridge", "ip route")


def test_a_fresh_pi_is_not_yet_a_bridge(lab: LabClient) -> None:
    assert lab.run("client", "curl --silent --max-time 5 http://bridge/")[0] == 7
    assert lab.run("bridge", "command -v haproxy pvs-bridge")[0] != 0
    assert lab.output("bridge", "cat /etc/hostname") == "raspberrypi\n"


def test_a_reboot_inside_the_pi_brings_it_back_with_new_interfaces_and_its_files(
    lab: LabClient,
) -> None:
    lab.output("bridge", "echo kept > /home/pi/note")
    cable = cable_of_the_bridge(lab)
    lab.run("bridge", "systemctl reboot")
    assert lab.until(lambda: cable_of_the_bridge(lab).strip() not in ("", cable.strip()))
    login.wait_for(lab.name)
    assert lab.output("bridge", "cat /home/pi/note") == "kept\n"
    assert lab.until(lambda: has_fallen_into_the_trap(lab)), lab.output("bridge", "ip route")


def test_a_pi_without_power_is_gone_and_comes_back_with_its_files(
    pvs_lab: Command, lab: LabClient
) -> None:
    lab.output("bridge", "echo kept > /home/pi/other")
    first = f"/proc/{lifecycle.command(lab.name, 'status')['bridge_leader']}"
    assert lab.run("pvs", f"test -e {first}")[0] == 0
    assert pvs_lab("power", "--lab", lab.name, "off").returncode == 0
    try:
        # Its programs would go on beside those of the next boot.
        assert lab.run("pvs", f"test -e {first}")[0] != 0
        assert lab.run("client", "ping -c 1 -W 1 bridge")[0] != 0
        done = pvs_lab("run", "--lab", lab.name, "bridge", "true")
        assert done.returncode == 1
        assert done.stderr == (
            "error: the bridge is off\n"
            f"  hint: switch it on: make lab-power STATE=on LAB={lab.name}\n"
        )
        assert "power is off" in pvs_lab("status", "--lab", lab.name).stdout
    finally:
        assert pvs_lab("power", "--lab", lab.name, "on").returncode == 0
    assert lab.output("bridge", "cat /home/pi/other") == "kept\n"


@pytest.mark.parametrize(("side", "interface"), [("pvs", "eth0"), ("home", "wlan0")])
def test_a_pulled_cable_takes_the_carrier_away(
    pvs_lab: Command, lab: LabClient, side: str, interface: str
) -> None:
    carrier = f"cat /sys/class/net/{interface}/carrier"
    assert lab.until(lambda: lab.output("bridge", carrier) == "1\n")
    pvs_lab("cable", "--lab", lab.name, side, "out")
    try:
        assert lab.until(lambda: lab.output("bridge", carrier) == "0\n", 5)
    finally:
        pvs_lab("cable", "--lab", lab.name, side, "in")
    assert lab.until(lambda: lab.output("bridge", carrier) == "1\n", 5)


def test_a_pvs_that_is_off_is_silent_with_its_cable_in(pvs_lab: Command, lab: LabClient) -> None:
    assert lab.until(lambda: lab.run("bridge", CONNECT)[0] == 0)
    # Said twice, it is as good.
    for state in ("off", "off"):
        assert pvs_lab("pvs", "--lab", lab.name, state).returncode == 0
    try:
        assert lab.run("bridge", CONNECT)[0] != 0
        assert lab.output("bridge", "cat /sys/class/net/eth0/carrier") == "1\n"
    finally:
        switched_on = [pvs_lab("pvs", "--lab", lab.name, state) for state in ("on", "on")]
    assert [done.returncode for done in switched_on] == [0, 0]
    assert lab.until(lambda: lab.run("bridge", CONNECT)[0] == 0)
    assert pvs_lab("status", "--lab", lab.name).returncode == 0
