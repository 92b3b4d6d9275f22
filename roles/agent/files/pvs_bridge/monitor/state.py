"""The monitor's state between two runs, in RAM; the status page shows it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.history.day import Day, line_of, read_line
from pvs_bridge.monitor.energy import Energy, as_data, from_data
from pvs_bridge.monitor.events import Quota
from pvs_bridge.monitor.panels import Light, Weak
from pvs_bridge.monitor.production import Point
from pvs_bridge.monitor.recovery import Fault
from pvs_bridge.pvs.known import Known


@dataclass(frozen=True)
class Attempts:
    """How often the service that sends messages was started without an end of its work.

    Attributes:
        count: The number of starts.
        at: The last one, in seconds since the Pi's start.
        about: The newest message then.
    """

    count: int = 0
    at: float = 0.0
    about: str = ""


@dataclass
class State:
    """The keys of the file; times are seconds since the Pi's start unless noted.

    Attributes:
        version: The version of this project.
        checked: When the last run was.
        time: The same in seconds since 1970; None while the Pi's clock was wrong.
        asked: When the PVS was asked last.
        read: When the PVS answered last.
        reading_seconds: How often it is read.
        links: See :class:`pvs_bridge.monitor.links.ShownLink`.
        interface: See :class:`pvs_bridge.health.report.Report`.
        note: Which programs cannot use a healthy bridge.
        plant: The plant, as ``pvs-bridge health --json`` prints it.
        faults: What is broken, with the state of its recovery.
        warnings: The active warnings, each with ``since``.
        vitals: See :class:`pvs_bridge.host.vitals.Vitals`.
        points: The readings of today.
        energy: The energy of today.
        finished: The days that are over and not in the history yet.
        light: What was seen of the panels today.
        weak: The panels that produce clearly less than others.
        saved: When the day was written to the card.
        loaded: Whether the day on the card was loaded.
        known: The devices that the PVS has listed.
        known_saved: When they were written to the card; None for never.
        quota: How many events were written today.
        steps: How often each action was taken since the Pi's start.
        attempts: To send messages.
    """

    version: str = ""
    checked: float = 0.0
    time: float | None = None
    asked: float | None = None
    read: float | None = None
    reading_seconds: float = 0.0
    links: list[dict[str, Any]] = field(default_factory=list)
    interface: str | None = None
    note: str | None = None
    plant: dict[str, Any] | None = None
    faults: list[Fault] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    vitals: dict[str, Any] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    energy: Energy = field(default_factory=Energy)
    finished: list[Day] = field(default_factory=list)
    light: Light = field(default_factory=Light)
    weak: list[Weak] = field(default_factory=list)
    saved: float = 0.0
    loaded: bool = False
    known: Known = field(default_factory=Known)
    known_saved: float | None = None
    quota: Quota = field(default_factory=Quota)
    steps: dict[str, int] = field(default_factory=dict)
    attempts: Attempts = field(default_factory=Attempts)


def read_state(path: Path) -> State:
    """Read the state; an empty one if the file is missing, or of another version."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["faults"] = [Fault(**each) for each in values["faults"]]
        values["points"] = [Point(*each) for each in values["points"]]
        values["energy"] = from_data(values["energy"])
        values["finished"] = [read_line(each.encode()) for each in values["finished"]]
        values["light"] = Light(**values["light"])
        values["weak"] = [Weak(**each) for each in values["weak"]]
        values["quota"] = Quota(**values["quota"])
        values["known"] = Known(**values["known"])
        values["attempts"] = Attempts(**values["attempts"])
        return State(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return State()


def write_state(path: Path, state: State) -> None:
    """Write the state for the next run, and for the file's group.

    Raises:
        OSError: The file cannot be written.
    """
    values = dataclasses.asdict(state)
    values["points"] = [[each.at, each.watts] for each in state.points]
    values["energy"] = as_data(state.energy)
    values["finished"] = [line_of(each).decode() for each in state.finished]
    atomic.write(path, json.dumps(values, ensure_ascii=False).encode(), 0o640)
