"""The role's guard on a Pi that runs: it comes with Wi-Fi and goes with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bridges.rollback.bridge import Bridge

from pvs_lab.lab_client import LabClient
from pvs_lab.playbook import PROGRAM, changed_count

pytestmark = pytest.mark.needs_system

PROJECT = Path(__file__).resolve().parents[3]
NAME = f"t-guard-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
# A container has no radio, so the preflight would refuse Wi-Fi.
PLAYBOOK = """
- hosts: pvs_bridges
  become: true
  gather_facts: false
  vars:
    uplink_type: %s
    __common_backend: networkmanager
    __common_pi: "{{ __common_found.bridge }}"
  tasks:
    - pvs_bridge.core.bridge_facts: {}
      register: __common_found
    - ansible.builtin.import_role: {name: uplink, tasks_from: guard}
"""
ENABLED = "systemctl is-enabled pvs-bridge-wifi-guard.timer"
ACTIVE = "systemctl is-active pvs-bridge-wifi-guard.timer"

Play = Callable[..., "int | None"]


@pytest.fixture(scope="module")
def lab() -> Iterator[LabClient]:
    """A lab whose Pi runs NetworkManager."""
    bridge = Bridge(NAME)
    bridge.command("up", "--release=bookworm")
    yield bridge
    bridge.command("down")


@pytest.fixture
def play(lab: LabClient, tmp_path: Path) -> Play:
    """Run the role's guard; how many tasks have changed something, None where one has failed."""

    def run(uplink_type: str, *arguments: str) -> int | None:
        playbook = tmp_path / "play.yml"
        playbook.write_text(PLAYBOOK % uplink_type)
        done = subprocess.run(
            [PROGRAM, "--inventory=inventory/lab", *arguments, playbook],
            cwd=PROJECT,
            env={**os.environ, "LAB": lab.name, "PYTHONPATH": ":".join(sys.path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        print(done.stdout, done.stderr)
        return changed_count(done.stdout)

    return run


def test_the_guard_comes_with_wifi_and_leaves_nothing_behind(lab: LabClient, play: Play) -> None:
    fresh = lab.output("bridge", "find /etc/systemd /usr/local/lib | sort")
    assert play("wifi", "--check", "--diff") == 1
    assert lab.output("bridge", "find /etc/systemd /usr/local/lib | sort") == fresh
    # The files, and the timer that starts.
    assert play("wifi") == 2
    assert lab.output("bridge", f"{ENABLED}; {ACTIVE}") == "enabled\nactive\n"
    assert play("wifi") == 0
    assert play("ethernet", "--check", "--diff") == 1
    assert play("ethernet") == 2
    assert lab.run("bridge", ACTIVE)[1] == "inactive\n"
    left = lab.output("bridge", "find /etc/systemd /usr/local/lib -type f -o -type l | sort")
    assert "guard" not in left
    assert play("ethernet") == 0


def test_the_guard_of_a_wifi_that_is_connected_does_nothing(lab: LabClient, play: Play) -> None:
    play("wifi")
    lab.output("bridge", "systemctl start pvs-bridge-wifi-guard.service")
    # Not even systemd tells the journal of it.
    said = lab.output("bridge", "journalctl --quiet --unit pvs-bridge-wifi-guard.service")
    assert said == ""
