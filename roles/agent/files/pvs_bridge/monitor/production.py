"""The production of today: a few hundred points in RAM, saved to the card once an hour.

A point's time counts from the Pi's start, so that it stays right when the Pi's clock is set: a Pi
does not have a battery for its clock. The day ends at midnight in the Pi's time zone.
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
        at: Seconds since the Pi's start; negative for readings before it.
        watts: The power of the plant.
        kwh: Its lifetime energy; None if unknown.
    """

    at: float
    watts: int
    kwh: float | None


def point_of(plant: Plant, now: float) -> Point:
    """Return the point of a plant: from the production meter, or else from the panels."""
    meter = next((each for each in plant.meters if each.kind == "production"), None)
    kw = plant.kw if meter is None or meter.kw is None else meter.kw
    energies = [panel.lifetime_kwh for panel in plant.panels]
    known = [each for each in energies if each is not None]
    kwh = meter.kwh if meter else None
    if kwh is None and known and len(known) == len(energies):
        kwh = sum(known)
    # At night a meter counts what the inverters consume.
    return Point(now, max(0, round(kw * 1000)), kwh)


def added(points: Sequence[Point], new: Point) -> list[Point]:
    """Return a day's points with one more, unless the last one is too recent."""
    if points and new.at - points[-1].at < APART_SECONDS:
        return list(points)
    return [*points, new]


def of_today(points: Sequence[Point], now: float, wall: float | None) -> list[Point]:
    """Return the points of today; while the time is unknown, those of the last 24 hours.

    Args:
        points: The oldest first.
        now: Seconds since the Pi's start.
        wall: Seconds since 1970; None while the Pi's clock is wrong.
    """
    if wall is None:
        return [each for each in points if now - each.at < DAY_SECONDS]
    today = time.localtime(wall)[:3]
    return [each for each in points if time.localtime(wall - (now - each.at))[:3] == today]


def made_since(points: Sequence[Point], since: float) -> bool:
    """Return whether the plant has produced since a moment; a night is not worth a write.

    Args:
        points: The oldest first.
        since: Seconds since the Pi's start.
    """
    return any(each.watts for each in points if each.at > since)


def kwh_of(points: Sequence[Point]) -> float | None:
    """Return the energy between the first point and the last; None if unknown."""
    known = [each.kwh for each in points if each.kwh is not None]
    return round(max(0.0, known[-1] - known[0]), 2) if known else None


def save(path: Path, points: Sequence[Point], now: float, wall: float) -> None:
    """Write a day to the card.

    Raises:
        OSError: The file cannot be written.
    """
    lines = [[round(wall - (now - each.at)), each.watts, each.kwh] for each in points]
    atomic.write(path, json.dumps(lines).encode(), 0o640)


def load(path: Path, now: float, wall: float) -> list[Point]:
    """Read the points that were saved before the Pi's start; none if they cannot be read."""
    try:
        lines = json.loads(path.read_text(encoding="utf-8"))
        points = [
            Point(now - (wall - float(at)), int(watts), None if kwh is None else float(kwh))
            for at, watts, kwh in lines
        ]
    except (OSError, ValueError, TypeError):
        return []
    return [each for each in points if each.at < now]
