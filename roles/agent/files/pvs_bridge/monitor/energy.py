"""The energy of today, for the plant and for each panel, from counters of their lifetimes.

A counter may go backwards, jump, or be away for days: the PVS forgets panels after a restart, and
devices are replaced. So the energy is the sum of the plausible steps of each counter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pvs_bridge.history.day import SLOT_SECONDS, Day
from pvs_bridge.monitor.production import (
    Point,
    largest_step_kwh,
    local_date,
    midnight,
    production_meter,
)
from pvs_bridge.pvs.devices import Plant

METER = ""
"""Stands for the production meter beside the serial numbers of the panels."""
_MOST_PANELS = 200
_NIGHT_SECONDS = 16 * 3600.0
"""A longer step has energy of an earlier day."""
_LARGEST_KW = 15.0
"""An inverter of a whole string has this power; a panel's has much less."""
_SHORTEST_SECONDS = 900.0
"""The PVS renews its readings less often than they are read."""


@dataclass(frozen=True)
class Count:
    """A counter.

    Attributes:
        at: When it was read, in seconds since the Pi's start; negative before it.
        kwh: The energy of its lifetime.
    """

    at: float
    kwh: float


@dataclass(frozen=True)
class Energy:
    """The energy of a day so far.

    Attributes:
        start: When the first reading of the day was, in seconds since 1970; 0 before it.
        read: When the last one was, in seconds since the Pi's start.
        kwh: The energy of the plant.
        panels: That of each panel that was listed today.
        earlier_kwh: The energy of the plant before today's first reading that belongs to a day
            before.
        earlier_panels: The same for panels.
        counts: The counters when they were last read, by serial number.
    """

    start: int = 0
    read: float = 0.0
    kwh: float = 0.0
    panels: dict[str, float] = field(default_factory=dict)
    earlier_kwh: float = 0.0
    earlier_panels: dict[str, float] = field(default_factory=dict)
    counts: dict[str, Count] = field(default_factory=dict)


def added(before: Energy, plant: Plant, now: float, wall: float) -> Energy:
    """Return the energy after a reading.

    Args:
        before: The energy before it, of the same day.
        plant: The reading.
        now: Seconds since the Pi's start.
        wall: Seconds since 1970.
    """
    counts = dict(before.counts)
    panels = dict(before.panels)
    earlier_panels = dict(before.earlier_panels)
    last_of_panels = max((each.at for key, each in counts.items() if key != METER), default=None)
    made = earlier = 0.0
    # A serial number that is listed twice counts once.
    listed = {panel.serial: panel for panel in reversed(plant.panels) if panel.state != "missing"}
    for serial, panel in list(listed.items())[:_MOST_PANELS]:
        if serial not in panels and len(panels) >= _MOST_PANELS:
            continue
        panels.setdefault(serial, 0.0)
        if panel.lifetime_kwh is None:
            continue
        step, is_earlier = _step(counts.get(serial), now, panel.lifetime_kwh, _largest_kwh)
        counts[serial] = Count(now, panel.lifetime_kwh)
        if is_earlier:
            earlier += step
            earlier_panels[serial] = earlier_panels.get(serial, 0.0) + step
        else:
            made += step
            panels[serial] += step
    meter = production_meter(plant)
    if meter and meter.kwh is not None:
        count = counts.get(METER)
        # While the meter was missing, the panels have counted.
        if count and (last_of_panels is None or count.at >= last_of_panels):
            step, is_earlier = _step(count, now, meter.kwh, largest_step_kwh)
            made, earlier = (0.0, step) if is_earlier else (step, 0.0)
        counts[METER] = Count(now, meter.kwh)
    return Energy(
        start=before.start or round(wall),
        read=now,
        kwh=before.kwh + made,
        panels=panels,
        earlier_kwh=before.earlier_kwh + earlier,
        earlier_panels=earlier_panels,
        counts=dict(sorted(counts.items(), key=lambda each: each[1].at)[-2 * _MOST_PANELS :]),
    )


def _step(
    before: Count | None, now: float, kwh: float, largest: Callable[[float], float]
) -> tuple[float, bool]:
    """Return the energy since the counter was read, and whether it is that of an earlier day."""
    if before is None:
        return 0.0, False
    seconds = now - before.at
    step = kwh - before.kwh
    return step if 0 < step <= largest(seconds) else 0.0, seconds > _NIGHT_SECONDS


def _largest_kwh(seconds: float) -> float:
    """Return the most energy that an inverter gives in a time."""
    return max(seconds, _SHORTEST_SECONDS) / 3600 * _LARGEST_KW


def is_over(energy: Energy, now: float, wall: float) -> bool:
    """Return whether the day of the last reading is not today."""
    return bool(energy.start) and local_date(wall - (now - energy.read)) != local_date(wall)


def day_of(
    energy: Energy,
    points: Sequence[Point],
    now: float,
    wall: float,
    best: Sequence[int | None] = (),
) -> Day:
    """Return the record of a day that is over.

    Args:
        energy: Its energy.
        points: Its readings, and perhaps those of other days.
        now: Seconds since the Pi's start.
        wall: Seconds since 1970.
        best: See :class:`Day`.
    """
    last = wall - (now - energy.read)
    began = round(midnight(last))
    slots: dict[int, list[int]] = {}
    for point in points:
        at = wall - (now - point.at)
        if local_date(at) == local_date(last):
            slots.setdefault(int((at - began) // SLOT_SECONDS), []).append(point.watts)
    sunny = [slot for slot, watts in slots.items() if any(watts)]
    shown = range(min(sunny), max(sunny) + 1) if sunny else range(0)
    return Day(
        day=local_date(last),
        start=energy.start,
        midnight=began,
        wh=round(energy.kwh * 1000),
        panels={key: round(kwh * 1000) for key, kwh in energy.panels.items()},
        best=list(best),
        earlier_wh=round(energy.earlier_kwh * 1000),
        earlier_panels={key: round(kwh * 1000) for key, kwh in energy.earlier_panels.items()},
        first_slot=shown.start,
        watts=[
            round(sum(slots[slot]) / len(slots[slot])) if slot in slots else None for slot in shown
        ],
    )


def next_day(energy: Energy) -> Energy:
    """Return the energy at the begin of the next day."""
    return Energy(counts=energy.counts)


def as_data(energy: Energy, shift: float = 0.0) -> dict[str, Any]:
    """Return JSON; the times are shifted by a number of seconds."""
    return {
        **asdict(energy),
        "read": energy.read + shift,
        "counts": {key: [each.at + shift, each.kwh] for key, each in energy.counts.items()},
    }


def from_data(values: dict[str, Any], shift: float = 0.0) -> Energy:
    """Read JSON; the times are shifted by a number of seconds.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: It is something else.
    """
    counts = {key: Count(at + shift, kwh) for key, (at, kwh) in values["counts"].items()}
    return Energy(**{**values, "read": values["read"] + shift, "counts": counts})
