"""A bridge in memory that the monitor checks every minute."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from unit.health.conftest import FakeProbe, make_reply

from pvs_bridge.config import HealthConfig, MonitorConfig
from pvs_bridge.health import checks
from pvs_bridge.monitor.actions import Commands
from pvs_bridge.monitor.monitor import Monitor, Paths
from pvs_bridge.monitor.state import State, read_state, write_state

CONFIG = MonitorConfig(
    backend="networkmanager",
    uplink_type="wifi",
    units=["haproxy.service", "dnsmasq.service"],
    tables={"pvs-bridge-firewall.service": "pvs_bridge_firewall"},
    list_seconds=300,
    proxy_seconds=60,
    reboots=True,
    temperature_celsius=75,
    signal_dbm=-75,
    card_free_mib=0,
    pvs_flash_free_mib=20,
    read_only_root=False,
    announce_pvs=False,
    announced_port=443,
    version="0.1.0",
)
HEALTH = HealthConfig("eth0", "172.27.153.1", 80, "wlan0", 130)
NOON = 1_782_000_000.0
"""Seconds since 1970; a noon in June 2026 in a time zone of the Pacific."""


def leave_room(patch: pytest.MonkeyPatch) -> None:
    """Make each file system report 600 of 1000 MiB free."""
    mib = 1024 * 1024
    found = os.statvfs_result((mib, mib, 1000, 600, 600, 1000, 1000, 1000, 0, 255))
    patch.setattr(os, "statvfs", lambda _: found)


@dataclass
class FakeHost:
    """Records commands; a restarted unit in ``gone`` loads its table again.

    A command in ``fails`` fails with this error.
    """

    did: list[str] = field(default_factory=list)
    fails: dict[str, str] = field(default_factory=dict)
    down: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def run(self, commands: Commands) -> str | None:
        """Record the commands."""
        for command in commands:
            text = " ".join(command)
            self.did.append(text)
            if text in self.fails:
                return self.fails[text]
            if command[:2] == ["systemctl", "restart"] and command[2] in self.gone:
                self.gone.remove(command[2])
        return None

    def units_down(self, units: Sequence[str]) -> list[str]:
        """Return the units that the test has stopped."""
        return [unit for unit in units if unit in self.down]

    def tables_gone(self, tables: Mapping[str, str]) -> list[str]:
        """Return the units whose table the test has removed."""
        return [unit for unit in tables if unit in self.gone]


class MonitoredBridge:
    """A bridge with its monitor and clock.

    Attributes:
        health: What the health check knows.
        probe: The bridge; healthy unless a test changes it.
        host: The commands that were run.
        now: Seconds since the Pi's start.
        clock_offset: The difference to the Pi's clock; None while that is wrong.
        log: The journal.
        announced: The serial number and the network of a PVS that announces itself.
    """

    def __init__(self, folder: Path, **chosen: Any) -> None:  # noqa: ANN401 - any key
        """Start the Pi."""
        self.config = dataclasses.replace(CONFIG, **chosen)
        self.health = HEALTH
        self.probe = FakeProbe()
        self.host = FakeHost()
        self.now = 60.0
        self.clock_offset: float | None = NOON
        self.log: list[str] = []
        self.announced: tuple[str, str] | None = None
        root = folder / "root"
        root.mkdir()
        self.paths = Paths(
            state=folder / "state.json",
            events=folder / "events.jsonl",
            day=folder / "day.json",
            history=folder / "history",
            known=folder / "known.json",
            rebooted=folder / "rebooted",
            unconfirmed=folder / "pending.json",
            root=root,
            mdns=folder / "pvs.service",
        )

    def run(self) -> State:
        """Run the monitor once; the PVS answers well if the test has set no answer."""
        if not self.probe.answers:
            self.probe.answers = [make_reply()]
        monitor = Monitor(
            self.config,
            self.health,
            self.probe,
            self.host,
            self.paths,
            self.now,
            None if self.clock_offset is None else self.clock_offset + self.now,
            self.log.append,
            lambda serial, interface: self.announced == (serial, interface),
        )
        write_state(self.paths.state, monitor.run_once(read_state(self.paths.state)))
        return self.state

    def minutes(self, count: int) -> None:
        """Let time pass, with a run each minute."""
        for _ in range(count):
            self.now += 60
            self.run()

    def restart(self) -> None:
        """Restart the Pi, which clears the RAM."""
        self.paths.state.unlink(missing_ok=True)
        self.clock_offset = None if self.clock_offset is None else self.clock_offset + self.now
        self.now = 0.0

    @property
    def state(self) -> State:
        """The monitor's state."""
        return read_state(self.paths.state)

    @property
    def asked(self) -> int:
        """How often the PVS was asked for its devices."""
        return self.probe.asked.count(checks.DEVICE_LIST)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events on the card."""
        if not self.paths.events.exists():
            return []
        return [json.loads(line) for line in self.paths.events.read_text().splitlines()]

    @property
    def texts(self) -> list[str]:
        """The texts of the events."""
        return [each["text"] for each in self.events]
