"""One look after the bridge: what is broken, what is done about it, what is told."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from pvs_bridge import atomic
from pvs_bridge.config import HealthConfig, MonitorConfig
from pvs_bridge.health import outcomes
from pvs_bridge.host import probe, units
from pvs_bridge.host.sensors import read_vitals
from pvs_bridge.monitor import actions, events, links, mdns, production, recovery, warnings
from pvs_bridge.monitor.events import Incident
from pvs_bridge.monitor.links import Seen
from pvs_bridge.monitor.recovery import REBOOT, TABLE_GONE, UNIT_DOWN, Fault
from pvs_bridge.monitor.state import Memory
from pvs_bridge.pvs.devices import Plant, plant_data
from pvs_bridge.text import duration

REBOOT_SECONDS = 6 * 3600.0
"""Between two restarts of the Pi that are this program's doing, of the time that the Pi is up."""
_TOLD_SECONDS = 50.0
"""What is over by the next look is no incident."""
_SHORTER_SECONDS = 60
"""By so much the PVS's time since its start may be read wrong before it counts as a new start."""
_UNITS = {UNIT_DOWN: "it does not run", TABLE_GONE: "its rules are gone from the kernel"}


@dataclass(frozen=True)
class Places:
    """Where the program keeps what it keeps.

    Attributes:
        memory: in RAM.
        incidents: on the card.
        day: on the card.
        rebooted: on the card; there while the last restart was this program's doing.
        unconfirmed: there while a change of the network is not confirmed: its undo comes first.
        root: of the kernel's files.
        service: of the announcement.
    """

    memory: Path = Path("/run/pvs-bridge-monitor/state.json")
    incidents: Path = Path("/var/lib/pvs-bridge-monitor/incidents.jsonl")
    day: Path = Path("/var/lib/pvs-bridge-monitor/day.json")
    rebooted: Path = Path("/var/lib/pvs-bridge-monitor/rebooted")
    unconfirmed: Path = Path("/var/lib/pvs-bridge/rollback/pending.json")
    root: Path = Path("/")
    service: Path = mdns.SERVICE


class Hands(Protocol):
    """What is done to the Pi."""

    def run(self, commands: actions.Commands) -> str | None:
        """Run commands until one fails; what it said then."""

    def units_down(self, names: Sequence[str]) -> list[str]:
        """Name those of some units that should run and do not."""

    def tables_gone(self, tables: Mapping[str, str]) -> list[str]:
        """Name the units that run, and whose table of nftables is gone."""


class Pi:
    """The real hands."""

    def run(self, commands: actions.Commands) -> str | None:
        """Run commands until one fails; what it said then."""
        return units.run(commands)

    def units_down(self, names: Sequence[str]) -> list[str]:
        """Name those of some units that should run and do not."""
        return units.units_down(names)

    def tables_gone(self, tables: Mapping[str, str]) -> list[str]:
        """Name the units that run, and whose table of nftables is gone."""
        return units.tables_gone(tables)


@dataclass
class Care:
    """One look.

    Attributes:
        config: what is described.
        health: the health check's own configuration.
        world: where the chain is looked at.
        hands: what steps are taken with.
        places: where things are kept.
        now: seconds since the Pi's start; it only grows.
        wall: seconds since 1970; None while the Pi's clock is not right.
        say: tells the journal.
    """

    config: MonitorConfig
    health: HealthConfig
    world: probe.World
    hands: Hands
    places: Places
    now: float
    wall: float | None
    say: Callable[[str], None]

    def look(self, memory: Memory) -> Memory:
        """Look after the bridge once; what is to be remembered of it."""
        memory.version, memory.looked, memory.time = self.config.version, self.now, self.wall
        known = [links.Shown(**link) for link in memory.links]
        seen = self._see(memory, known)
        units = {
            **dict.fromkeys(self.hands.tables_gone(self.config.tables), TABLE_GONE),
            **dict.fromkeys(self.hands.units_down(self.config.units), UNIT_DOWN),
        }
        before = memory.faults
        memory.faults = recovery.faults_of(seen.links, units, before, self.now)
        memory.links = links.as_data(seen.links)
        self._tell_recoveries(memory, before)
        self._tell_faults(memory, seen)
        if seen.plant:
            self._take_reading(memory, seen.plant)
        self._watch(memory, seen.plant)
        self._keep_day(memory)
        if not self.places.unconfirmed.exists():
            self._climb(memory)
        return memory

    def _see(self, memory: Memory, known: Sequence[links.Shown]) -> Seen:
        glance = links.glance(self.config, self.health, self.world, memory.links)
        # What was broken and is whole again on this side is asked through soon.
        awaited = links.is_awaited(known) or links.is_awaited(glance.links)
        if not links.check_is_due(self.config, self.now, memory.asked, awaited):
            return glance
        seen = links.whole(self.config, self.health, self.world)
        if seen.asked:
            memory.asked = self.now
        memory.interface, memory.note = seen.interface, seen.note
        return seen

    def _tell_recoveries(self, memory: Memory, before: Iterable[Fault]) -> None:
        gone = {fault.name: fault for fault in before}
        for fault in memory.faults:
            gone.pop(fault.name, None)
        unknown = {link["link"] for link in memory.links if link["state"] == outcomes.UNKNOWN}
        for name, fault in gone.items():
            if fault.told and name not in unknown:
                lasted = duration(int(self.now - fault.since))
                self._note(memory, "recovered", f"{_title(name)}: well again after {lasted}")

    def _tell_faults(self, memory: Memory, seen: Seen) -> None:
        words = {link.link: link.problem or link.seen for link in seen.links}
        told = []
        for fault in memory.faults:
            # What is mended at once was open, and nobody would know why.
            due = self.now - fault.since >= _TOLD_SECONDS or fault.outcome == TABLE_GONE
            if not fault.told and due:
                said = words.get(fault.name) or _UNITS[fault.outcome]
                self._note(memory, "broken", f"{_title(fault.name)}: {said}")
                fault = replace(fault, told=True)
            told.append(fault)
        memory.faults = told

    def _take_reading(self, memory: Memory, plant: Plant) -> None:
        new = plant_data(plant)
        before, after = (_uptime(each) for each in (memory.plant, new))
        if before is not None and after is not None and after < before - _SHORTER_SECONDS:
            self._note(memory, "pvs", f"the PVS has restarted, {duration(after)} ago")
        memory.plant, memory.read = new, self.now
        memory.points = production.added(memory.points, production.point_of(plant, self.now))
        if self.config.announce_pvs and plant.supervisor:
            text = mdns.announcement(plant.supervisor, self.config.proxy_port)
            try:
                if text and mdns.announce(text, self.places.service):
                    self.say("mDNS tells the PVS's serial number, as status_announce_pvs asks")
            except OSError as error:
                self.say(f"{self.places.service}: {error.strerror}")

    def _watch(self, memory: Memory, plant: Plant | None) -> None:
        interfaces = (self.health.pvs_interface, self.health.uplink_interface)
        root, card = self.places.root, self.places.incidents.parent
        found = read_vitals(interfaces, self.health.uplink_interface, root, card)
        found = replace(found, up_seconds=self.now)
        standing = {each["name"]: each for each in memory.warnings}
        errors = memory.vitals.get("errors", {})
        new = warnings.warnings(self.config, found, plant, frozenset(standing), errors)
        # Between two readings the PVS's flash is as it was.
        kept = [standing["flash"]] if plant is None and "flash" in standing else []
        memory.vitals = dataclasses.asdict(found)
        memory.warnings = [
            *kept,
            *(
                {
                    "name": each.name,
                    "problem": each.problem,
                    "hint": each.hint,
                    "severe": each.severe,
                    "since": standing.get(each.name, {}).get("since", self.now),
                }
                for each in new
            ),
        ]
        for each in new:
            if each.name not in standing:
                self._note(memory, "warning", each.problem)
        for name in standing.keys() - {each["name"] for each in memory.warnings}:
            self._note(memory, "cleared", f"no more: {standing[name]['problem']}")

    def _keep_day(self, memory: Memory) -> None:
        if self.wall is not None and not memory.loaded:
            saved = production.load(self.places.day, self.now, self.wall)
            first = memory.points[0].at if memory.points else self.now
            memory.points = [each for each in saved if each.at < first] + memory.points
            memory.loaded = True
            memory.saved = self.now
        memory.points = production.of_today(memory.points, self.now, self.wall)
        due = self.now - memory.saved >= production.SAVE_SECONDS
        if self.wall is not None and due and production.made_since(memory.points, memory.saved):
            memory.saved = self.now
            self._try(
                lambda: production.save(self.places.day, memory.points, self.now, self.wall or 0.0)
            )

    def _climb(self, memory: Memory) -> None:
        """Take the step that is due for each fault, one a fault."""
        faults = []
        for fault in memory.faults:
            rung = recovery.due(self.config, fault, self.now)
            if rung is None or (rung.step == REBOOT and not self._may_reboot()):
                faults.append(fault)
                continue
            faults.append(recovery.climbed(self.config, fault, self.now))
            if rung.step == REBOOT:
                self._note(memory, "step", f"{_title(fault.name)}: restarts the Pi")
            commands = actions.commands(self.config, self.health, rung.step, rung.side)
            failed = self.hands.run(commands)
            memory.steps[rung.step] = memory.steps.get(rung.step, 0) + 1
            if rung.step != REBOOT:
                did = actions.words(rung.step, rung.side)
                text = f"tried and failed: {failed}" if failed else "done"
                self._note(memory, "step", f"{_title(fault.name)}: {did} ({text})")
        memory.faults = faults

    def _may_reboot(self) -> bool:
        """Whether the last resort may be taken; when it may, that is on the card first."""
        if not self.config.reboots:
            return False
        if self.places.rebooted.exists() and self.now < REBOOT_SECONDS:
            return False
        # A restart that could not be remembered would come again and again.
        return self._try(lambda: atomic.write(self.places.rebooted, b""))

    def _note(self, memory: Memory, kind: str, text: str) -> None:
        """Write an incident down, and tell the journal."""
        self.say(text)
        wall = None if self.wall is None else round(self.wall)
        incident = Incident(kind, text, wall, round(self.now))

        def write() -> None:
            memory.ration = events.append(self.places.incidents, incident, memory.ration)

        self._try(write)

    def _try(self, write: Callable[[], None]) -> bool:
        """Write onto the card; a card that is full or worn out stops nothing else."""
        try:
            write()
        except OSError as error:
            self.say(f"cannot be written down: {error}")
            return False
        return True


def _title(name: str) -> str:
    return outcomes.LINKS.get(name, name.partition(" ")[2] or name)


def _uptime(plant: dict[str, object] | None) -> int | None:
    supervisor = (plant or {}).get("supervisor")
    value = supervisor.get("uptime_seconds") if isinstance(supervisor, dict) else None
    return value if isinstance(value, int) else None


def wall_clock() -> float | None:
    """Return seconds since 1970; None where they are before this program was installed."""
    now = time.time()
    with contextlib.suppress(OSError):
        return now if now >= Path(__file__).stat().st_mtime else None
    return None
