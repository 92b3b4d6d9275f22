"""One run of the monitor: check the links, take the recovery steps that are due, log events."""

from __future__ import annotations

import dataclasses
import http.client
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from pvs_bridge import atomic
from pvs_bridge.config import HealthConfig, MonitorConfig
from pvs_bridge.health import outcomes
from pvs_bridge.history import store
from pvs_bridge.host.paths import UNCONFIRMED_CHANGE
from pvs_bridge.host.probe import Probe
from pvs_bridge.host.sensors import read_mqtt_issue, read_taken_ports, read_vitals
from pvs_bridge.host.vitals import VitalsWarning
from pvs_bridge.monitor import (
    actions,
    energy,
    events,
    links,
    mdns,
    panels,
    production,
    recovery,
    saved_day,
)
from pvs_bridge.monitor.events import Event
from pvs_bridge.monitor.links import LinkStates, ShownLink
from pvs_bridge.monitor.production import Point
from pvs_bridge.monitor.recovery import REBOOT, TABLE_GONE, UNIT_DOWN, Fault
from pvs_bridge.monitor.saved_day import MOST_FINISHED, SAVE_SECONDS, SavedDay
from pvs_bridge.monitor.state import State
from pvs_bridge.monitor.warnings import OF_THE_PVS, warnings
from pvs_bridge.pvs import known, storage
from pvs_bridge.pvs.devices import Panel, Plant, Supervisor, plant_data
from pvs_bridge.pvs.known import METER
from pvs_bridge.pvs.storage import Battery
from pvs_bridge.text import duration

REBOOT_SECONDS = 6 * 3600.0
"""How long the Pi runs before the monitor restarts it a second time."""
_REPORT_SECONDS = 50.0
"""A fault that ends before the next run is not an event."""
_UPTIME_TOLERANCE_SECONDS = 60
"""The PVS has restarted if its uptime is shorter by more than this."""
_UNIT_PROBLEMS = {UNIT_DOWN: "not running", TABLE_GONE: "its rules are missing in the kernel"}


@dataclass(frozen=True)
class Paths:
    """The files of the monitor.

    Attributes:
        state: In RAM.
        events: On the card.
        day: The readings of today, on the card.
        history: The folder of the days before, on the card.
        known: The devices that the PVS has listed, on the card.
        rebooted: On the card; exists while the last restart was the monitor's.
        unconfirmed: Exists while a network change is not confirmed, whose undo comes first.
        root: The root of the file system; a folder in tests.
        mdns: avahi's file.
    """

    state: Path = Path("/run/pvs-bridge-monitor/state.json")
    events: Path = Path("/var/lib/pvs-bridge-monitor/events.jsonl")
    day: Path = Path("/var/lib/pvs-bridge-monitor/day.json")
    history: Path = store.FOLDER
    known: Path = Path("/var/lib/pvs-bridge-monitor/known.json")
    rebooted: Path = Path("/var/lib/pvs-bridge-monitor/rebooted")
    unconfirmed: Path = Path("/") / UNCONFIRMED_CHANGE
    root: Path = Path("/")
    mdns: Path = mdns.SERVICE


class Host(Protocol):
    """Acts on the Pi, as the module :mod:`pvs_bridge.host.units` does."""

    def run(self, commands: actions.Commands, /) -> str | None:
        """Run commands until one fails; return the error."""

    def units_down(self, names: Sequence[str], /) -> list[str]:
        """Return the units that are enabled but do not run."""

    def tables_gone(self, tables: Mapping[str, str], /) -> list[str]:
        """Return the units that run although their nftables table is missing."""


@dataclass
class Monitor:
    """One run.

    Attributes:
        config: The monitor's configuration.
        health: The health check's configuration.
        probe: Reads the links.
        host: Acts on the Pi.
        paths: The files.
        now: Seconds since the Pi's start (CLOCK_BOOTTIME).
        wall: Seconds since 1970; None while the Pi's clock is wrong.
        log: Writes to the journal.
        announces_itself: Returns whether the PVS of a serial number announces itself in the
            network of an interface.
    """

    config: MonitorConfig
    health: HealthConfig
    probe: Probe
    host: Host
    paths: Paths
    now: float
    wall: float | None
    log: Callable[[str], None]
    announces_itself: Callable[[str, str], bool] = mdns.announces_itself

    def run_once(self, state: State) -> State:
        """Run once, and return the state for the next run."""
        state.version, state.checked, state.time = self.config.version, self.now, self.wall
        state.reading_seconds = self.config.list_seconds
        found = self._check(state)
        unit_faults = {
            **dict.fromkeys(self.host.tables_gone(self.config.tables), TABLE_GONE),
            **dict.fromkeys(self.host.units_down(self.config.units), UNIT_DOWN),
        }
        before = state.faults
        state.faults = recovery.faults_of(found.links, unit_faults, before, self.now)
        state.links = links.as_data(found.links)
        self._report_recoveries(state, before)
        self._report_faults(state, found)
        plant = self._remember(state, found.plant) if found.plant else None
        self._begin_day(state)
        if plant:
            self._take_reading(state, plant)
        self._judge(state, plant)
        self._save_day(state)
        if not self.paths.unconfirmed.exists():
            self._recover(state)
        return state

    def _check(self, state: State) -> LinkStates:
        quick = links.quick_check(self.config, self.health, self.probe, state.links)
        known = [ShownLink(**link) for link in state.links]
        # Ask soon after the Pi's side of the way to the PVS was repaired.
        urgent = links.is_urgent(known) or links.is_urgent(quick.links)
        if not links.full_check_is_due(self.config, self.now, state.asked, urgent):
            return quick
        found = links.full_check(self.config, self.health, self.probe)
        if found.asked:
            state.asked = self.now
        state.interface, state.note = found.interface, found.note
        return found

    def _report_recoveries(self, state: State, before: Iterable[Fault]) -> None:
        gone = {fault.name: fault for fault in before}
        for fault in state.faults:
            gone.pop(fault.name, None)
        unknown = {link["link"] for link in state.links if link["state"] == outcomes.UNKNOWN}
        for name, fault in gone.items():
            if fault.reported and name not in unknown:
                lasted = duration(int(self.now - fault.since))
                self._report(state, "recovered", f"{_title(name)}: recovered after {lasted}")

    def _report_faults(self, state: State, found: LinkStates) -> None:
        problems = {link.link: link.problem or link.seen for link in found.links}
        faults = []
        for fault in state.faults:
            # A missing table is repaired at once, and would not be reported later.
            due = self.now - fault.since >= _REPORT_SECONDS or fault.outcome == TABLE_GONE
            if not fault.reported and due:
                problem = problems.get(fault.name) or _UNIT_PROBLEMS[fault.outcome]
                self._report(state, "broken", f"{_title(fault.name)}: {problem}")
                fault = replace(fault, reported=True)
            faults.append(fault)
        state.faults = faults

    def _remember(self, state: State, plant: Plant) -> Plant:
        """Remember the devices of a reading, and add the panels that it lacks."""
        before = state.known if state.known.pvs else known.load(self.paths.known)
        listed = [panel.serial for panel in plant.panels if panel.state != "missing"]
        meters = [f"{METER}{meter.serial}" for meter in plant.meters]
        pvs = plant.supervisor.serial if plant.supervisor else before.pvs
        state.known = before.seen(pvs, [*listed, *meters], self.wall)
        saved = state.known_saved
        if state.known.differs(known.load(self.paths.known)) and (
            saved is None or self.now - saved >= known.SAVE_SECONDS
        ):
            state.known_saved = self.now
            self._try(lambda: known.save(self.paths.known, state.known))
        shown = {panel.serial for panel in plant.panels}
        missing = [each for each in state.known.missing if not each.startswith(METER)]
        lost = [Panel(each, "missing", None, None, None) for each in missing if each not in shown]
        return replace(plant, panels=(*plant.panels, *lost))

    def _take_reading(self, state: State, plant: Plant) -> None:
        power = dataclasses.asdict(production.power_of(plant))
        battery = self._read_battery() if plant.storage else None
        if battery and power["consumption_watts"] is None:
            power["consumption_watts"] = production.consumption_with(power, battery)
        data = dataclasses.asdict(battery) if battery else None
        new = {**plant_data(plant), "power": power, "battery": data}
        before, after = (_uptime(each) for each in (state.plant, new))
        if before is not None and after is not None and after < before - _UPTIME_TOLERANCE_SECONDS:
            self._report(state, "pvs", f"the PVS restarted {duration(after)} ago")
        places = {each["serial"]: each for each in self.config.panels}
        new["panels"] = [{**places.get(each["serial"], {}), **each} for each in new["panels"]]
        state.plant, state.read = new, self.now
        state.light = panels.added(state.light, plant.panels, self.now)
        point = Point(self.now, production.power_of(plant).production_watts)
        state.points = production.added(state.points, point)
        if self.wall is not None:
            state.energy = energy.added(state.energy, plant, self.now, self.wall)
        if self.config.announce_pvs and plant.supervisor:
            self._announce(plant.supervisor)

    def _read_battery(self) -> Battery | None:
        """Ask for what the device list does not tell of a battery."""
        try:
            health = self.health
            reply = self.probe.get(health.proxy_port, storage.PATH, health.timeout_seconds)
        except (OSError, http.client.HTTPException):
            return None
        return storage.read_battery(reply.body) if reply.status == 200 else None

    def _announce(self, pvs: Supervisor) -> None:
        """Announce the PVS, unless it announces itself: programs would find it twice."""
        text = mdns.announcement(pvs, self.config.announced_port)
        try:
            if text and self.announces_itself(pvs.serial, self.health.uplink_interface):
                text = None
            if mdns.announce(text, self.paths.mdns):
                told = "announces" if text else "no longer announces"
                self.log(f"mDNS {told} the PVS's serial number (status_announce_pvs)")
        except OSError as error:
            self.log(f"mDNS, {self.paths.mdns}: {error.strerror}")

    def _judge(self, state: State, plant: Plant | None) -> None:
        interfaces = (self.health.pvs_interface, self.health.uplink_interface)
        root, card = self.paths.root, self.paths.events.parent
        vitals = read_vitals(interfaces, self.health.uplink_interface, root, card)
        vitals = replace(vitals, up_seconds=self.now)
        active = {each["name"]: each for each in state.warnings}
        errors_before = state.vitals.get("errors", {})
        names = frozenset(active)
        found = warnings(
            self.config,
            vitals,
            plant,
            names,
            errors_before,
            known=state.known,
            taken_ports=read_taken_ports(root),
            broker=read_mqtt_issue(root),
        )
        found += self._panel_warnings(state)
        kept = [active[name] for name in sorted(OF_THE_PVS & names)] if plant is None else []
        state.vitals = dataclasses.asdict(vitals)
        state.warnings = [*kept, *(self._warning_data(each, active) for each in found)]
        for each in found:
            if each.name not in active:
                self._report(state, "warning", each.problem)
        for name in active.keys() - {each["name"] for each in state.warnings}:
            self._report(state, "cleared", f"ended: {active[name]['problem']}")

    def _panel_warnings(self, state: State) -> Iterator[VitalsWarning]:
        names = {each["serial"]: each["name"] for each in self.config.panels}
        found = {each.serial: each for each in (*state.weak, *panels.dead(state.light))}
        known = state.known.missing_since
        unknown = [serial for serial in names if serial not in known] if known else []
        for name, problem, hint in (
            *panels.texts([*found.values()], names),
            *panels.unknown_text(unknown),
        ):
            yield VitalsWarning(name=name, problem=problem, hint=hint)

    def _warning_data(
        self, warning: VitalsWarning, active: Mapping[str, Mapping[str, object]]
    ) -> dict[str, object]:
        return {
            "name": warning.name,
            "problem": warning.problem,
            "hint": warning.hint,
            "severe": warning.severe,
            "devices": list(warning.devices),
            "since": active.get(warning.name, {}).get("since", self.now),
        }

    def _begin_day(self, state: State) -> None:
        """Go on with the day on the card after a restart; finish a day that is over."""
        if self.wall is not None and not state.loaded:
            saved = saved_day.load(self.paths.day, self.now, self.wall)
            # Without the time, no energy was added yet.
            state.points = [*saved.points, *state.points]
            state.energy, state.finished = saved.energy, list(saved.finished)
            state.light = replace(state.light, dark={**saved.dark, **state.light.dark})
            state.loaded, state.saved = True, self.now
            self._try(lambda: self._report_damage(state, store.repair(self.paths.history)))
            self._find_weak(state)
        if self.wall is not None and energy.is_over(state.energy, self.now, self.wall):
            best = panels.best_of(state.light, state.energy.panels, self._roofs)
            day = energy.day_of(state.energy, state.points, self.now, self.wall, best)
            state.finished = [*state.finished, day][-MOST_FINISHED:]
            state.energy = energy.next_day(state.energy)
            state.light = panels.next_day(state.light)
            self._find_weak(state)
        state.points = production.of_today(state.points, self.now, self.wall)

    @property
    def _roofs(self) -> dict[str, str]:
        return {each["serial"]: each["roof"] for each in self.config.panels if each["roof"]}

    def _find_weak(self, state: State) -> None:
        def find() -> None:
            days = [*store.last(self.paths.history, panels.LONGEST_DAYS), *state.finished]
            before = [each.serial for each in state.weak]
            state.weak = panels.weak(days, before, self._roofs)

        self._try(find)

    def _report_damage(self, state: State, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            self._report(state, "warning", sentence)

    def _save_day(self, state: State) -> None:
        """Write the day to the card, and the days that are over to the history."""
        wall = self.wall
        if wall is None or self.now - state.saved < SAVE_SECONDS:
            return
        if not (state.finished or production.made_since(state.points, state.saved)):
            return
        state.saved = self.now

        def write() -> None:
            if state.finished:
                self._report_damage(state, store.add(self.paths.history, state.finished))
                state.finished = []

        self._try(write)
        day = SavedDay(state.points, state.energy, state.finished, state.light.dark)
        self._try(lambda: saved_day.save(self.paths.day, day, self.now, wall))

    def _recover(self, state: State) -> None:
        """Take the step that is due, for each fault."""
        faults = []
        for fault in state.faults:
            step = recovery.due(self.config, fault, self.now)
            # No interface of the Pi belongs to a PVS in the home network.
            if (
                step is None
                or (step.target == "pvs" and self.health.pvs_at_home)
                or (step.action == REBOOT and not self._may_reboot())
            ):
                faults.append(fault)
                continue
            faults.append(recovery.after_step(self.config, fault, self.now))
            if step.action == REBOOT:
                self._report(state, "step", f"{_title(fault.name)}: restarting the Pi")
            commands = actions.commands(self.config, self.health, step.action, step.target)
            error = self.host.run(commands)
            state.steps[step.action] = state.steps.get(step.action, 0) + 1
            if step.action != REBOOT:
                did = actions.describe(step.action, step.target)
                result = f"failed: {error}" if error else "done"
                self._report(state, "step", f"{_title(fault.name)}: {did} ({result})")
        state.faults = faults

    def _may_reboot(self) -> bool:
        """Return whether the Pi may be restarted; if so, the card has a note of it."""
        if not self.config.reboots:
            return False
        if self.paths.rebooted.exists() and self.now < REBOOT_SECONDS:
            return False
        # Without the note, the Pi could restart again and again.
        return self._try(lambda: atomic.write(self.paths.rebooted, b""))

    def _report(self, state: State, kind: str, text: str) -> None:
        """Write an event to the card and to the journal."""
        self.log(text)
        wall = None if self.wall is None else round(self.wall)
        event = Event(kind, text, wall, round(self.now))

        def write() -> None:
            state.quota = events.append(self.paths.events, event, state.quota)

        self._try(write)

    def _try(self, write: Callable[[], None]) -> bool:
        """Write to the card; a full or worn-out card must not stop the run."""
        try:
            write()
        except OSError as error:
            self.log(f"cannot write to the card: {error}")
            return False
        return True


def _title(name: str) -> str:
    return outcomes.LINKS.get(name, name.partition(" ")[2] or name)


def _uptime(plant: dict[str, object] | None) -> int | None:
    supervisor = (plant or {}).get("supervisor")
    value = supervisor.get("uptime_seconds") if isinstance(supervisor, dict) else None
    return value if isinstance(value, int) else None
