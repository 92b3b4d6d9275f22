"""The power of a reading, and the power of today over time.

The day is a few hundred points in RAM.

A point's time counts from the Pi's start, so that it stays right when the Pi's clock is set: a Pi
does not have a battery for its clock. The day ends at midnight in the Pi's time zone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pvs_bridge.pvs.devices import Meter, Plant
from pvs_bridge.pvs.storage import Battery

APART_SECONDS = 240.0
DAY_SECONDS = 86400.0
_OBSERVED_SECONDS = 900.0
"""A day whose first reading is this close to midnight is complete."""
_LARGEST_KW = 100.0
LARGEST_STEP_KWH = 20.0
"""A larger step within minutes is another meter or panel, not energy."""
_NO_TRANSFORMER_KW = 0.1
"""A meter shows less than the panels for a moment at dawn."""


@dataclass(frozen=True)
class Point:
    """A reading.

    Attributes:
        at: Seconds since the Pi's start; negative for readings before it.
        watts: The power of the plant.
    """

    at: float
    watts: int


@dataclass(frozen=True)
class Power:
    """Where the power goes; None if unknown.

    Attributes:
        production_watts: What the panels produce.
        consumption_watts: What the home consumes.
        grid_watts: What the home imports; negative while it exports.
    """

    production_watts: int
    consumption_watts: int | None
    grid_watts: int | None


def power_of(plant: Plant) -> Power:
    """Return the power of a plant: from its meters, or else from the panels."""
    meter = production_meter(plant)
    kw = plant.kw if meter is None or meter.kw is None else meter.kw
    # At night a meter counts what the inverters consume.
    produced = max(0, round(kw * 1000))
    measured = [each for each in plant.meters if each.place and each.kw is not None]
    at_grid, at_home = (
        next((round((each.kw or 0) * 1000) for each in measured if each.place == place), None)
        for place in ("grid", "home")
    )
    # The meters do not tell what a battery takes and gives.
    if not plant.storage:
        if at_home is None and at_grid is not None:
            at_home = max(0, produced + at_grid)
        elif at_grid is None and at_home is not None:
            at_grid = at_home - produced
    return Power(produced, at_home, at_grid)


def consumption_with(power: Mapping[str, int | None], battery: Battery) -> int | None:
    """Return what the home consumes by its other powers; None if one of them is unknown.

    Args:
        power: A :class:`Power` as a mapping.
        battery: The battery.
    """
    produced, grid = power["production_watts"], power["grid_watts"]
    if produced is None or grid is None or battery.watts is None:
        return None
    # They are measured at different moments.
    return max(0, produced + grid + battery.watts)


def production_meter(plant: Plant) -> Meter | None:
    """Return the meter that measures the production; None if there is none."""
    return next((each for each in plant.meters if _measures(each, plant)), None)


def _measures(meter: Meter, plant: Plant) -> bool:
    """Return whether a meter measures production; one without a transformer shows 0 for ever."""
    if meter.kind != "production":
        return False
    return bool(meter.kw or meter.kwh) and not (meter.kw == 0 and plant.kw > _NO_TRANSFORMER_KW)


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
    today = local_date(wall)
    return [each for each in points if local_date(wall - (now - each.at)) == today]


def local_date(wall: float) -> str:
    """Return the date in the Pi's time zone of a time in seconds since 1970."""
    return time.strftime("%Y-%m-%d", time.localtime(wall))


def midnight(wall: float) -> float:
    """Return the last midnight in the Pi's time zone. Both are seconds since 1970."""
    return time.mktime((*time.localtime(wall)[:3], 0, 0, 0, 0, 0, -1))


def begins_late(points: Sequence[Point], now: float, wall: float) -> float | None:
    """Return the time of the first point of an incomplete day; None if the day is complete.

    Args:
        points: The points of today, the oldest first.
        now: Seconds since the Pi's start.
        wall: Seconds since 1970, as is the result.
    """
    if not points:
        return None
    first = wall - (now - points[0].at)
    return first if first - midnight(wall) > _OBSERVED_SECONDS else None


def made_since(points: Sequence[Point], since: float) -> bool:
    """Return whether the plant has produced since a moment; a night is not worth a write.

    Args:
        points: The oldest first.
        since: Seconds since the Pi's start.
    """
    return any(each.watts for each in points if each.at > since)


def largest_step_kwh(seconds: float) -> float:
    """Return the most energy that a home produces or consumes in a time."""
    return max(LARGEST_STEP_KWH, seconds / 3600 * _LARGEST_KW)
