"""The doctor reports faults of a bridge over SSH."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bridges.doctor.conftest import PIS, Target

from pvs_lab.paths import lab_dir

# These tests do not depend on the Pi, so one is enough.
on_one_pi = pytest.mark.parametrize("bridge", PIS[:1], indirect=True)


@contextlib.contextmanager
def broken(bridge: Target, how: str, undo: str) -> Iterator[None]:
    """Break something on the Pi during a ``with``."""
    bridge.output("bridge", how)
    try:
        yield
    finally:
        bridge.output("bridge", undo)


@pytest.mark.core
def test_a_bridge_that_works_is_healthy(bridge: Target) -> None:
    said = bridge.doctor()
    assert said.status == 0, said.text
    assert set(said.states.values()) == {"ok", "unknown"}
    assert said.states["Device list"] == "ok"
    assert "the PVS answers DeviceList" in said.text
    assert "24 panels" in said.text


def test_a_cached_answer_is_used(bridge: Target) -> None:
    def asked() -> int:
        return int(bridge.simulator("/_sim/stats?log=0")["by_command"]["DeviceList"])

    bridge.doctor()
    before = asked()
    assert bridge.doctor().states["Device list"] == "ok"
    assert asked() == before


@pytest.mark.core
def test_a_pulled_cable_is_the_first_broken_check(bridge: Target) -> None:
    bridge.say("cable", "pvs", "out")
    try:
        said = bridge.doctor()
    finally:
        bridge.say("cable", "pvs", "in")
        assert bridge.until(lambda: "172.27.153." in bridge.output("bridge", "ip -4 addr"), 60)
    assert (said.status, said.first_broken) == (1, "Cable to the PVS")
    assert "LAN1" in said.text
    assert said.states["PVS reachable"] == "unknown"


@pytest.mark.core
def test_a_stopped_haproxy_is_reported(bridge: Target) -> None:
    with broken(bridge, "systemctl stop haproxy", "systemctl start haproxy"):
        said = bridge.doctor()
    assert (said.status, said.first_broken) == (1, "Services of the bridge")
    assert "sudo systemctl restart haproxy" in said.text
    assert said.states["PVS reachable"] == "ok"


@pytest.mark.core
def test_a_pi_without_python_is_checked_completely(bridge: Target) -> None:
    away = "mv /usr/bin/python3 /usr/bin/python3.away"
    with broken(bridge, away, "mv /usr/bin/python3.away /usr/bin/python3"):
        said = bridge.doctor()
    assert (said.status, said.first_broken) == (1, "Python")
    assert said.states["Device list"] == "ok"


def test_a_default_route_to_the_pvs_is_reported(bridge: Target) -> None:
    route = "default via 172.27.153.1 dev eth0 metric 1"
    with broken(bridge, f"ip route add {route}", f"ip route del {route}"):
        said = bridge.doctor()
    assert (said.status, said.first_broken) == (1, "Default route")


def test_a_pvs_that_is_off_is_reported(bridge: Target) -> None:
    bridge.say("pvs-off")
    try:
        said = bridge.doctor()
    finally:
        bridge.say("pvs-on")
    assert (said.status, said.first_broken) == (1, "PVS reachable")
    assert "restarting" in said.text


WAYS = {
    "an unknown user": ({"ansible_user": "stranger"}, "", "refuses the login"),
    "a closed port": ({"ansible_port": "2222"}, "", "does not accept SSH"),
    "an unused address": ({"ansible_host": "192.168.20.77"}, "", "cannot be reached"),
    "an unknown host key": ({}, "-o UserKnownHostsFile=/dev/null", "is not in known_hosts yet"),
}


@on_one_pi
@pytest.mark.parametrize("way", WAYS)
def test_a_failed_connection_is_explained(bridge: Target, tmp_path: Path, way: str) -> None:
    variables, more, cause = WAYS[way]
    arguments = f"{more} -F {lab_dir(bridge.name)}/ssh_config"
    inventory = bridge.inventory(tmp_path, ansible_ssh_common_args=arguments, **variables)
    started = time.monotonic()
    said = bridge.doctor(inventory=inventory)
    assert (said.status, said.first_broken) == (1, "SSH"), said.text
    assert cause in " ".join(said.text.split())
    assert time.monotonic() - started < 30


@on_one_pi
def test_a_changed_host_key_is_rejected(bridge: Target, tmp_path: Path) -> None:
    keys = tmp_path / "known_hosts"
    other = (lab_dir(bridge.name) / "ssh_key.pub").read_text().split()[:2]
    keys.write_text(f"bridge {' '.join(other)}\n")
    arguments = f"-o UserKnownHostsFile={keys} -F {lab_dir(bridge.name)}/ssh_config"
    said = bridge.doctor(inventory=bridge.inventory(tmp_path, ansible_ssh_common_args=arguments))
    assert (said.status, said.first_broken) == (1, "SSH")
    assert "is not the one in known_hosts" in " ".join(said.text.split())


@on_one_pi
def test_the_password_of_sudo_is_used(bridge: Target, tmp_path: Path) -> None:
    asks = (
        "echo 'pi:correct horse' | chpasswd && mv /etc/sudoers.d/010_pi-nopasswd /root/ && "
        "echo 'pi ALL=(ALL) ALL' > /etc/sudoers.d/010_pi"
    )
    back = "rm /etc/sudoers.d/010_pi; mv /root/010_pi-nopasswd /etc/sudoers.d/"
    with broken(bridge, asks, back):
        without = bridge.doctor(inventory=bridge.inventory(tmp_path))
        wrong, said = (
            bridge.doctor(inventory=bridge.inventory(tmp_path, ansible_become_password=each))
            for each in ("wrong horse", "correct horse")
        )
    assert (without.states["SSH"], wrong.states["SSH"]) == ("warning", "warning")
    assert "ansible_become_password" in without.text
    assert (said.status, said.states["SSH"]) == (0, "ok"), said.text


@on_one_pi
def test_an_unknown_key_is_shown_and_not_stored(bridge: Target, tmp_path: Path) -> None:
    keys = tmp_path / "known_hosts"
    arguments = (
        f"-o UserKnownHostsFile={keys} -o StrictHostKeyChecking=ask "
        f"-F {lab_dir(bridge.name)}/ssh_config"
    )
    said = bridge.doctor(inventory=bridge.inventory(tmp_path, ansible_ssh_common_args=arguments))
    shown = bridge.output(
        "bridge", "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done"
    )
    assert (said.status, said.states["SSH"]) == (0, "warning")
    assert any(word in " ".join(said.text.split()) for word in shown.split() if "SHA256" in word)
    assert not keys.exists()
