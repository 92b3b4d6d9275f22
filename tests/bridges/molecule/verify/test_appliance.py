"""Unattended operation: enabled parts are installed and valid, disabled parts are removed."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

SYSTEMD = "/etc/systemd/system"
TMP = SYSTEMD + "/tmp.mount"  # noqa: S108 - the name of a unit
# The file of each part, and the variable that enables it.
PARTS = {
    "/etc/systemd/journald.conf.d/60-pvs-bridge.conf": "appliance_volatile_journal",
    f"{SYSTEMD}/pvs-bridge-noatime.service": "appliance_noatime",
    TMP: "appliance_tmp_in_memory",
    "/etc/systemd/system.conf.d/60-pvs-bridge.conf": "appliance_watchdog",
    "/etc/systemd/timesyncd.conf.d/60-pvs-bridge.conf": "appliance_clock",
    "/etc/apt/apt.conf.d/60pvs-bridge": "appliance_updates",
}


@pytest.mark.parametrize("file", PARTS)
def test_a_part_is_installed_unless_it_is_disabled(
    bridge: Host, variables: dict[str, Any], file: str
) -> None:
    assert bridge.file(file).exists == variables[PARTS[file]]


def test_the_journal_is_in_memory_if_it_is_volatile(
    bridge: Host, variables: dict[str, Any]
) -> None:
    bridge.run("logger a line for the journal")
    with bridge.sudo():
        files = bridge.check_output("journalctl --sync; find /run/log/journal -name system.journal")
    assert bool(files) == variables["appliance_volatile_journal"]


def test_nothing_swaps_to_the_card(bridge: Host, variables: dict[str, Any]) -> None:
    on_card = variables["appliance_swap"] == "card"
    masked = bridge.file(f"{SYSTEMD}/dphys-swapfile.service")
    assert (masked.exists and masked.linked_to == "/dev/null") == (not on_card)
    assert bridge.file("/etc/rpi/swap.conf.d/60-pvs-bridge.conf").exists == (not on_card)
    assert bridge.file(f"{SYSTEMD}/pvs-bridge-zram.service").exists == (
        variables["appliance_swap"] == "zram"
    )


def test_systemd_accepts_all_units(bridge: Host) -> None:
    units = bridge.check_output(f"ls -d {SYSTEMD}/pvs-bridge-*.service {TMP} || true")
    said = bridge.run(f"systemd-analyze verify --man=no {' '.join(units.split())} 2>&1").stdout
    ours = [line for line in said.splitlines() if "pvs-bridge" in line or "tmp.mount" in line]
    assert ours == []


def test_updates_start_at_the_configured_time(bridge: Host, variables: dict[str, Any]) -> None:
    if variables["appliance_updates"]:
        unit = bridge.check_output(f"cat {SYSTEMD}/apt-daily-upgrade.timer.d/pvs-bridge.conf")
        (_, when) = [line for line in unit.splitlines() if line.startswith("OnCalendar=")]
        planned = bridge.check_output(f"systemd-analyze calendar '{when.partition('=')[2]}'")
        assert f"{variables['appliance_updates_time']}:00" in planned
        assert 'Unattended-Upgrade "always"' in bridge.check_output(
            "apt-config dump APT::Periodic::Unattended-Upgrade"
        ).replace("APT::Periodic::", "")


def test_the_health_of_the_bridge_is_logged_after_updates(
    bridge: Host, variables: dict[str, Any]
) -> None:
    if variables["appliance_updates"]:
        with bridge.sudo():
            bridge.check_output("/usr/local/lib/pvs-bridge/after-updates")
            lines = bridge.check_output("cat /var/lib/pvs-bridge/updates.log").splitlines()
        assert lines[-1].endswith("updates: none; the bridge is healthy")
