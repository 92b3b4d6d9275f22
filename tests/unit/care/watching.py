"""A bridge in memory that is looked after, minute by minute."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from unit.health.conftest import Bridge, make_reply

from pvs_bridge.config import HealthConfig, MonitorConfig
from pvs_bridge.health import checks
from pvs_bridge.monitor import monitor
from pvs_bridge.monitor.actions import Commands
from pvs_bridge.monitor.state import Memory, read_memory, write_memory

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
    proxy_port=80,
    version="0.1.0",
)
HEALTH = HealthConfig("eth0", "172.27.153.1", 80, "wlan0", 130)
NOON = 1_782_000_000.0
"""Seconds since 1970, some noon of June 2026 in the middle of the Pacific."""


def leave_room(patch: pytest.MonkeyPatch) -> None:
    """Have each file system hold 1000 MiB, of which 600 are free, whatever it holds here."""
    mib = 1024 * 1024
    found = os.statvfs_result((mib, mib, 1000, 600, 600, 1000, 1000, 1000, 0, 255))
    patch.setattr(os, "statvfs", lambda _: found)


@dataclass
class Hands:
    """Remember what is done, and do nothing else but bring the tables back that are ``gone``.

    A command in ``fails`` says why it failed.
    """

    did: list[str] = field(default_factory=list)
    fails: dict[str, str] = field(default_factory=dict)
    down: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def run(self, commands: Commands) -> str | None:
        """Remember the commands."""
        for command in commands:
            text = " ".join(command)
            self.did.append(text)
            if text in self.fails:
                return self.fails[text]
            if command[:2] == ["systemctl", "restart"] and command[2] in self.gone:
                self.gone.remove(command[2])
        return None

    def units_down(self, units: Sequence[str]) -> list[str]:
        """Name the units that the test has stopped."""
        return [unit for unit in units if unit in self.down]

    def tables_gone(self, tables: Mapping[str, str]) -> list[str]:
        """Name the units whose table the test has taken away."""
        return [unit for unit in tables if unit in self.gone]


class Watched:
    """A bridge, what is remembered of it, and its clock.

    Attributes:
        world: the bridge; healthy unless a test changes it.
        hands: what was done.
        now: seconds since the Pi's start.
        clock_offset: what the Pi's own clock adds; None while it is not right.
        said: the journal.
    """

    def __init__(self, folder: Path, **chosen: Any) -> None:  # noqa: ANN401 - any key of care.json
        """Begin with a Pi that has just started."""
        self.config = dataclasses.replace(CONFIG, **chosen)
        self.world = Bridge()
        self.hands = Hands()
        self.now = 60.0
        self.clock_offset: float | None = NOON
        self.said: list[str] = []
        root = folder / "root"
        root.mkdir()
        self.places = monitor.Places(
            memory=folder / "state.json",
            incidents=folder / "incidents.jsonl",
            day=folder / "day.json",
            rebooted=folder / "rebooted",
            unconfirmed=folder / "pending.json",
            root=root,
            service=folder / "pvs.service",
        )

    def look(self) -> Memory:
        """Look once, with what is in the file; if no answer of the PVS waits, a good one comes."""
        if not self.world.answers:
            self.world.answers = [make_reply()]
        care = monitor.Care(
            self.config,
            HEALTH,
            self.world,
            self.hands,
            self.places,
            self.now,
            None if self.clock_offset is None else self.clock_offset + self.now,
            self.said.append,
        )
        write_memory(self.places.memory, care.look(read_memory(self.places.memory)))
        return self.memory

    def minutes(self, count: int) -> None:
        """Let time pass, with a look each minute."""
        for _ in range(count):
            self.now += 60
            self.look()

    def restart(self) -> None:
        """Restart the Pi: what is in RAM is gone."""
        self.places.memory.unlink(missing_ok=True)
        self.clock_offset = None if self.clock_offset is None else self.clock_offset + self.now
        self.now = 0.0

    @property
    def memory(self) -> Memory:
        """What is remembered."""
        return read_memory(self.places.memory)

    @property
    def asked(self) -> int:
        """How often the PVS was asked for its devices."""
        return self.world.asked.count(checks.DEVICE_LIST)

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """What is written on the card."""
        if not self.places.incidents.exists():
            return []
        return [json.loads(line) for line in self.places.incidents.read_text().splitlines()]

    @property
    def texts(self) -> list[str]:
        """The incidents' words."""
        return [each["text"] for each in self.incidents]
