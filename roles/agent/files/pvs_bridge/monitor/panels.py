"""Find panels that produce clearly less than their neighbours, or nothing.

Panels are compared hour by hour, so that clouds do not matter: all panels of a home have the same
sky. The neighbours of a panel are those whose day has the most similar course, because they face
the same way; if ``status_panels`` names the roofs, only those on the same roof. A panel counts by
its second best hour of a day, so that shade for a part of the day does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pvs_bridge.history.day import Day
from pvs_bridge.pvs.devices import Panel

HOUR_SECONDS = 3600.0
DEAD_HOURS = 12
"""Sunny hours without production: about one day in summer, and two in winter."""
_SUNNY_WATTS = 80.0
_LIGHT_WATTS = 25.0
"""Less light does not tell panels apart."""
_LIGHT_HOURS = 3
_DARK_RATIO = 0.05
_WEAK_PERCENT = 70
_RECOVERED_PERCENT = 80
_DAYS = 5
LONGEST_DAYS = 14
"""How long ago the first of these days may be."""
_NEIGHBOURS = 3
_ALIKE_PERCENT = 10
_POWER_WEIGHT = 0.08
_MOST = 200
_MOST_HOURS = 24
MOST_WARNINGS = 6


@dataclass(frozen=True)
class Light:
    """What was seen of the panels today.

    Attributes:
        hour: The hour that is being added up, by the Pi's running time.
        sums: The power of each panel in it, and the number of its readings.
        hours: The mean power of each panel in each hour before it.
        dark: The number of sunny hours since each panel has produced, also of days before.
    """

    hour: int = 0
    sums: dict[str, list[float]] = field(default_factory=dict)
    hours: list[dict[str, float]] = field(default_factory=list)
    dark: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Weak:
    """A panel that produces clearly less than its neighbours.

    Attributes:
        serial: The serial number.
        percent: Its power in its best hours, as a part of that of its neighbours; 0 for a dead one.
    """

    serial: str
    percent: int


def added(before: Light, panels: Sequence[Panel], now: float) -> Light:
    """Return what was seen after a reading.

    Args:
        before: What was seen before.
        panels: The reading.
        now: Seconds since the Pi's start.
    """
    hour = int(now // HOUR_SECONDS)
    light = before if hour == before.hour else _closed(before, hour)
    sums = {key: list(each) for key, each in light.sums.items()}
    for panel in panels[:_MOST]:
        if panel.state != "missing":
            watts = panel.watts if panel.state == "working" and panel.watts else 0
            total = sums.setdefault(panel.serial, [0.0, 0])
            total[0] += watts
            total[1] += 1
    return replace(light, sums=sums)


def _closed(light: Light, hour: int) -> Light:
    """Return what was seen when an hour is over."""
    means = {serial: round(total / count, 1) for serial, (total, count) in light.sums.items()}
    usual = _median(means.values()) if means else 0.0
    dark = light.dark
    if usual >= _SUNNY_WATTS:
        dark = {
            serial: 0 if mean >= _DARK_RATIO * usual else dark.get(serial, 0) + 1
            for serial, mean in means.items()
        }
    hours = light.hours
    if any(mean >= _LIGHT_WATTS for mean in means.values()):
        hours = [*hours, means][-_MOST_HOURS:]
    return Light(hour, {}, hours, dark)


def next_day(light: Light) -> Light:
    """Return what was seen at the begin of the next day."""
    return replace(light, hours=[])


def best_of(
    light: Light, serials: Iterable[str], roofs: Mapping[str, str] | None = None
) -> list[int | None]:
    """Return the second best hour of each panel in percent; None if that cannot be told.

    Args:
        light: What was seen on a day.
        serials: The panels.
        roofs: The roof of each panel, by serial number.
    """
    courses: dict[str, list[float]] = {}
    for serial in {serial for means in light.hours for serial in means}:
        course = [means.get(serial, 0.0) for means in light.hours]
        if max(course) >= _LIGHT_WATTS * _DARK_RATIO:
            courses[serial] = course
    return [_best(serial, courses, roofs or {}) for serial in serials]


def _best(
    serial: str, courses: Mapping[str, Sequence[float]], roofs: Mapping[str, str]
) -> int | None:
    course = courses.get(serial)
    if course is None:
        return None
    others = [
        each
        for other, each in courses.items()
        if other != serial and roofs.get(other) == roofs.get(serial)
    ]
    neighbours = sorted(others, key=lambda each: _distance(course, each))[:_NEIGHBOURS]
    if len(neighbours) < _NEIGHBOURS:
        return None
    usual = [_median(hour) for hour in zip(*neighbours, strict=True)]
    ratios = [
        mine / theirs for mine, theirs in zip(course, usual, strict=True) if theirs >= _LIGHT_WATTS
    ]
    return round(sorted(ratios)[-2] * 100) if len(ratios) >= _LIGHT_HOURS else None


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how different the courses of two days are, mostly whatever the power.

    In March and September the courses of north and south are alike, and only the power differs.
    """
    most, most_of_other = max(one), max(other)
    apart = sum(abs(a / most - b / most_of_other) for a, b in zip(one, other, strict=True))
    return apart / len(one) + _POWER_WEIGHT * abs(math.log(sum(one) / sum(other)))


def _median(values: Iterable[float]) -> float:
    """Return the median, without the module statistics, whose import is slow."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def dead(light: Light) -> list[Weak]:
    """Return the panels that have not produced for many sunny hours."""
    return [Weak(serial, 0) for serial, hours in light.dark.items() if hours >= DEAD_HOURS]


def weak(days: Sequence[Day], before: Collection[str], roofs: Mapping[str, str]) -> list[Weak]:
    """Return the panels that produce clearly less than their neighbours.

    Several of them that are alike lie on the north side, unless their roof is known.

    Args:
        days: The last days, the oldest first.
        before: The serial numbers of those that were weak yesterday.
        roofs: The roof of each panel, by serial number.
    """
    seen: dict[str, list[int]] = {}
    for day in days[-LONGEST_DAYS:]:
        for serial, percent in zip(day.panels, day.best, strict=False):
            if percent is not None:
                seen.setdefault(serial, []).append(percent)
    percents = {
        serial: round(_median(each[-_DAYS:])) for serial, each in seen.items() if len(each) >= _DAYS
    }
    found = []
    for serial, percent in percents.items():
        limit = _RECOVERED_PERCENT if serial in before else _WEAK_PERCENT
        alike = [each for each in percents.values() if abs(each - percent) <= _ALIKE_PERCENT]
        is_side = serial not in roofs and len(alike) >= _NEIGHBOURS
        if _DARK_RATIO * 100 <= percent < limit and not is_side:
            found.append(Weak(serial, percent))
    return found


def texts(found: Sequence[Weak], names: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, problem and hint of the warnings about the first panels."""
    for each in found[:MOST_WARNINGS]:
        name = names.get(each.serial)
        panel = f"{name} ({each.serial})" if name else each.serial
        if each.percent:
            yield (
                f"panel_weak_{each.serial}",
                f"Panel {panel} makes {each.percent} % of what its neighbours make, also in its "
                f"best hours of the last {_DAYS} sunny days.",
                "Look for dirt, leaves or new shade. If there is nothing, ask an installer about "
                "the panel and its inverter. If it lies on another side of the roof, name its "
                "roof in status_panels.",
            )
        else:
            yield (
                f"panel_dead_{each.serial}",
                f"Panel {panel} has reported no production for {DEAD_HOURS} hours of sun or more.",
                "Ask an installer about its inverter, which may be under warranty. Snow on the "
                "panel is a harmless reason.",
            )


def unknown_text(serials: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the warning about panels of ``status_panels`` that the PVS has not listed."""
    if serials:
        panels = "a panel" if len(serials) == 1 else f"{len(serials)} panels"
        some = ", ".join(serials[:MOST_WARNINGS]) + (" ..." if serials[MOST_WARNINGS:] else "")
        yield (
            "panels_unknown",
            f"status_panels names {panels} that the PVS does not list: {some}.",
            "Copy the serial numbers from the JSON of this page, and provision the bridge again.",
        )
