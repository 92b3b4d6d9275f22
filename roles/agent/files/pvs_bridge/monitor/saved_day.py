"""The day so far, on the card: a Pi that restarts goes on with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.history.day import Day, line_of, read_line
from pvs_bridge.monitor.energy import Count, Energy, as_data, from_data
from pvs_bridge.monitor.production import DAY_SECONDS, Point

SAVE_SECONDS = 3600.0
"""How often it is written at most."""
MOST_FINISHED = 40
"""How many days that are over may wait while the card is full."""


@dataclass(frozen=True)
class SavedDay:
    """What is on the card.

    Attributes:
        points: The readings of the day.
        energy: Its energy.
        finished: Days that are over and not in the history yet.
        dark: See :class:`pvs_bridge.monitor.panels.Light`.
    """

    points: Sequence[Point] = ()
    energy: Energy = field(default_factory=Energy)
    finished: Sequence[Day] = ()
    dark: Mapping[str, int] = field(default_factory=dict)


def save(path: Path, day: SavedDay, now: float, wall: float) -> None:
    """Write the day to the card.

    Raises:
        OSError: The file cannot be written.
    """
    values = {
        "points": [[round(wall - (now - each.at)), each.watts] for each in day.points],
        "energy": as_data(day.energy, wall - now),
        "finished": [line_of(each).decode() for each in day.finished],
        "dark": dict(day.dark),
    }
    atomic.write(path, json.dumps(values).encode(), 0o640)


def load(path: Path, now: float, wall: float) -> SavedDay:
    """Read what save() has written before the Pi's start; nothing if it cannot be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        points = [Point(now - (wall - float(at)), int(watts)) for at, watts in values["points"]]
        energy = from_data(values["energy"], now - wall)
        finished = [read_line(line.encode()) for line in values["finished"]]
        dark = {str(serial): int(hours) for serial, hours in values["dark"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return SavedDay()
    return SavedDay([each for each in points if each.at < now], _dated(energy, now), finished, dark)


def _dated(energy: Energy, now: float) -> Energy:
    """Return the energy without times in the future: the clock was ahead when it was saved.

    What was made so far counts for today, and the first steps of the counters for no day.
    """
    if energy.read <= now:
        return energy
    counts = {key: Count(now - DAY_SECONDS, each.kwh) for key, each in energy.counts.items()}
    return replace(energy, read=now, counts=counts)
