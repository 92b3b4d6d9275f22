"""What the plant has made over the day: a few hundred points in RAM, and once an hour on the card.

A point's time is that of the clock that only grows, so that it stays right when the Pi's own clock
is set. A Pi has no battery for its clock, and a home has a midnight of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.pvs.devices import Plant

APART_SECONDS = 240.0
SAVE_SECONDS = 3600.0
DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class Point:
    """A reading.

    Attributes:
        at: seconds of the clock that only grows; below 0 for what was read before this start.
        watts: what the plant made.
        kwh: what it had made in its lifetime; None if it does not say.
    """

    at: float
    watts: int
    kwh: float | None


def point_of(plant: Plant, now: float) -> Point:
    """Read a point off a plant: off the meter where there is one, else off the panels."""
    meter = next((each for each in plant.meters if each.kind == "production"), None)
    kw = plant.kw if meter is None or meter.kw is None else meter.kw
    energies = [panel.lifetime_kwh for panel in plant.panels]
    known = [each for each in energies if each is not None]
    kwh = meter.kwh if meter else None
    if kwh is None and known and len(known) == len(energies):
        kwh = sum(known)
    # At night a meter counts what the inverters themselves take.
    return Point(now, max(0, round(kw * 1000)), kwh)


def added(points: Sequence[Point], new: Point) -> list[Point]:
    """Return a day's points with one more, unless the last is hardly older."""
    if points and new.at - points[-1].at < APART_SECONDS:
        return list(points)
    return [*points, new]


def of_today(points: Sequence[Point], now: float, wall: float | None) -> list[Point]:
    """Leave out what is not of today; while nobody knows the time, what is older than a day.

    Args:
        points: the oldest first.
        now: seconds of the clock that only grows.
        wall: seconds since 1970; None while the Pi's clock is not right.
    """
    if wall is None:
        return [each for each in points if now - each.at < DAY_SECONDS]
    today = time.localtime(wall)[:3]
    return [each for each in points if time.localtime(wall - (now - each.at))[:3] == today]


def made_since(points: Sequence[Point], since: float) -> bool:
    """Tell whether the plant has made anything since a moment: at night no point is worth a write.

    Args:
        points: the oldest first.
        since: seconds of the clock that only grows.
    """
    return any(each.watts for each in points if each.at > since)


def kwh_of(points: Sequence[Point]) -> float | None:
    """Return what was made between the first point and the last; None if nobody knows."""
    known = [each.kwh for each in points if each.kwh is not None]
    return round(max(0.0, known[-1] - known[0]), 2) if known else None


def save(path: Path, points: Sequence[Point], now: float, wall: float) -> None:
    """Write a day onto the card.

    Raises:
        OSError: It cannot be written.
    """
    lines = [[round(wall - (now - each.at)), each.watts, each.kwh] for each in points]
    atomic.write(path, json.dumps(lines).encode(), 0o640)


def load(path: Path, now: float, wall: float) -> list[Point]:
    """Read back what was saved before this start; nothing where it cannot be read."""
    try:
        lines = json.loads(path.read_text(encoding="utf-8"))
        points = [
            Point(now - (wall - float(at)), int(watts), None if kwh is None else float(kwh))
            for at, watts, kwh in lines
        ]
    except (OSError, ValueError, TypeError):
        return []
    return [each for each in points if each.at < now]
