"""What is remembered from look to look, in RAM; the role status shows it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.monitor.events import Ration
from pvs_bridge.monitor.production import Point
from pvs_bridge.monitor.recovery import Fault


@dataclass
class Memory:
    """The file's keys; times are seconds of the clock that only grows.

    Attributes:
        version: of this project.
        looked: when it was looked last.
        time: seconds since 1970 at that moment; None while the Pi's clock was not right.
        asked: when the PVS was asked last.
        read: when it gave its devices last.
        links: the chain, see :class:`pvs_bridge.monitor.links.Shown`.
        interface: how the panels' data can be had.
        note: whom a healthy bridge is of no use to.
        plant: what ``pvs-bridge health --json`` says of the plant.
        faults: what is broken, and how far up its ladder.
        warnings: what is worth a word, with ``since``.
        vitals: how the Pi is.
        points: the day's readings.
        saved: when these were written onto the card.
        loaded: whether what was on the card was read.
        ration: of incidents.
        steps: how often each step was taken since the Pi's start.
    """

    version: str = ""
    looked: float = 0.0
    time: float | None = None
    asked: float | None = None
    read: float | None = None
    links: list[dict[str, Any]] = field(default_factory=list)
    interface: str | None = None
    note: str | None = None
    plant: dict[str, Any] | None = None
    faults: list[Fault] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    vitals: dict[str, Any] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    saved: float = 0.0
    loaded: bool = False
    ration: Ration = field(default_factory=Ration)
    steps: dict[str, int] = field(default_factory=dict)


def read_memory(path: Path) -> Memory:
    """Read it; an empty one where there is none, or where an older version has written it."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["faults"] = [Fault(**each) for each in values["faults"]]
        values["points"] = [Point(*each) for each in values["points"]]
        values["ration"] = Ration(**values["ration"])
        return Memory(**values)
    except (OSError, ValueError, TypeError, KeyError):
        return Memory()


def write_memory(path: Path, memory: Memory) -> None:
    """Write it for the next look, and for whoever is in the file's group.

    Raises:
        OSError: It cannot be written.
    """
    values = dataclasses.asdict(memory)
    values["points"] = [[each.at, each.watts, each.kwh] for each in memory.points]
    atomic.write(path, json.dumps(values, ensure_ascii=False).encode(), 0o640)
