"""A Pi whose root is locked: what is forgotten, what a pulled plug leaves, how it is changed."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from nightly.radio.bridge import RadioBridge
from nightly.radio.networks import HOME

from pvs_lab.errors import LabError

_LOCKED = {"appliance_read_only_root": True}
_SIMULATOR = "--simulator=--latency-seconds 0 --clock 2026-06-21T20:00:00Z"
_RESTART_SECONDS = 400
_CONFIGURED = "/media/root-ro/etc/haproxy/haproxy.cfg"
_EVENTS = "/var/lib/pvs-bridge-monitor/events.jsonl"
_UPDATES = "/var/lib/pvs-bridge/updates.log"
_LIST = "curl -sf --max-time 60 'http://bridge/cgi-bin/dl_cgi?Command=DeviceList'"


class LockedBridge(RadioBridge):
    """A bridge whose root is locked."""

    def root(self) -> dict[str, Any]:
        """What the Pi says of its root."""
        found: dict[str, Any] = json.loads(
            self.output("bridge", "pvs-bridge overlay status --json")
        )
        return found

    def boot_id(self) -> str:
        """What no two boots have in common."""
        return self.output("bridge", "cat /proc/sys/kernel/random/boot_id")

    def becomes(self, *, locked: bool) -> bool:
        """Whether the Pi restarts, as often as it takes, until its root is so."""

        def is_so() -> bool:
            try:
                return bool(self.root()["locked"] == locked)
            except (AssertionError, LabError, ValueError):
                return False

        return self.until(is_so, _RESTART_SECONDS)

    def writes(self, path: str) -> None:
        """Write a file on the Pi, and onto its disk."""
        self.output("bridge", f"echo written > {path} && sync")


@pytest.fixture(scope="module")
def bridge() -> Iterator[LockedBridge]:
    """A Pi that has been made a bridge with a locked root, over its radio.

    Its kernel is started with an initramfs that the lab has made, so overlayroot is on the card
    before.
    """
    bridge = LockedBridge("t-radio-root")
    bridge.command(
        "up", "--radio", "--release=trixie", "--packages=busybox e2fsprogs overlayroot", _SIMULATOR
    )
    try:
        bridge.good_run(_LOCKED)
        yield bridge
    finally:
        bridge.command("down")


def test_a_run_makes_a_bridge_that_works_under_a_locked_root(bridge: LockedBridge) -> None:
    bridge.wait_for_boot()
    assert bridge.root()["locked"]
    assert bridge.output("bridge", "findmnt --noheadings --output FSTYPE /") == "overlay\n"
    assert json.loads(bridge.output("client", _LIST))["result"] == "succeed"
    page = json.loads(bridge.output("client", "curl -sf http://bridge/bridge/status.json"))
    assert page["pi"]["root_locked"]
    assert page["warnings"] == []


def test_another_run_changes_nothing_and_restarts_nothing(bridge: LockedBridge) -> None:
    before = bridge.boot_id()
    assert bridge.good_run(_LOCKED, "--check").changed == []
    assert bridge.good_run(_LOCKED).changed == []
    assert bridge.boot_id() == before


def test_a_pulled_plug_forgets_what_was_written_but_no_incident(bridge: LockedBridge) -> None:
    bridge.writes("/etc/written-under-the-lock")
    bridge.say("cable", "pvs", "out")
    try:
        told = f"grep -q '\"broken\"' {_EVENTS}"
        assert bridge.until(lambda: bridge.run("bridge", told)[0] == 0, 300)
        told_before = bridge.output("bridge", f"grep -c . {_EVENTS}")
        clock_before = bridge.output("bridge", "stat -c %Y /var/lib/systemd/timesync/clock")
    finally:
        bridge.say("cable", "pvs", "in")
    bridge.reboot()
    assert bridge.root()["locked"]
    assert not bridge.exists("/etc/written-under-the-lock")
    assert int(bridge.output("bridge", f"grep -c . {_EVENTS}")) >= int(told_before)
    assert bridge.output("bridge", "date +%s") >= clock_before


def test_a_run_with_a_change_unlocks_the_root_makes_it_and_locks_it(bridge: LockedBridge) -> None:
    before = bridge.boot_id()
    run = bridge.good_run({**_LOCKED, "proxy_cache_seconds": 47})
    run.says(f"{bridge.name} restarts, to unlock its root")
    run.says(f"{bridge.name} restarts, to lock its root")
    assert bridge.boot_id() != before
    assert bridge.root()["locked"]
    bridge.output("bridge", f"grep 'X-Pvs-Bridge-Cache 47' {_CONFIGURED}")


def test_a_power_cut_before_the_confirmation_is_undone_on_the_card(bridge: LockedBridge) -> None:
    wrong = {**HOME.described, "passphrase": "mistyped"}
    profiles = "sha256sum /etc/NetworkManager/system-connections/*"
    before = bridge.output("bridge", profiles)
    pending = "cat /var/lib/pvs-bridge/rollback/pending.json"

    def is_applied() -> bool:
        # It restarts meanwhile, so a request may get no answer.
        with contextlib.suppress(LabError):
            status, printed = bridge.run("bridge", pending)
            return status == 0 and bool(json.loads(printed)["applied"])
        return False

    variables = {**_LOCKED, "proxy_cache_seconds": 47, "uplink_networks": [wrong]}
    with bridge.running(variables, "--tags=uplink"):
        assert bridge.until(is_applied, 900)
        bridge.say("power-off")
    bridge.say("power-on")
    bridge.wait_for_boot()
    bridge.seconds_until_home()
    assert bridge.root()["reason"] == "a run of the playbook"
    assert bridge.output("bridge", profiles) == before
    bridge.good_run({**_LOCKED, "proxy_cache_seconds": 47})
    assert bridge.root()["locked"]
    assert bridge.output("bridge", profiles) == before


def test_a_person_unlocks_changes_something_and_locks(bridge: LockedBridge) -> None:
    bridge.run("bridge", "pvs-bridge overlay unlock")
    assert bridge.becomes(locked=False)
    assert bridge.root()["reason"] == "a user"
    bridge.wait_for_boot()
    bridge.writes("/etc/written-without-the-lock")
    bridge.run("bridge", "pvs-bridge overlay lock")
    assert bridge.becomes(locked=True)
    bridge.reboot()
    assert bridge.exists("/etc/written-without-the-lock")


def test_updates_unlock_the_root_and_lock_it_again(bridge: LockedBridge) -> None:
    before = time.time()
    bridge.run("bridge", "systemctl start pvs-bridge-updates.service")
    assert bridge.becomes(locked=False)
    assert bridge.root()["reason"] == "updates"
    assert bridge.becomes(locked=True)
    assert "the bridge is" in bridge.output("bridge", f"tail -n 1 {_UPDATES}")
    assert bridge.output("bridge", f"stat -c %Y {_UPDATES}") > f"{before:.0f}"


def test_a_root_that_is_to_be_locked_no_more_is_an_ordinary_one(bridge: LockedBridge) -> None:
    bridge.wait_for_boot()
    bridge.good_run({"appliance_read_only_root": False})
    assert bridge.output("bridge", "findmnt --noheadings --output FSTYPE /") == "ext4\n"
    assert not bridge.exists("/etc/overlayroot.local.conf")
    assert not bridge.exists("/etc/overlayroot.local.conf")
    bridge.reboot()
    assert bridge.output("bridge", "findmnt --noheadings --output FSTYPE /") == "ext4\n"
