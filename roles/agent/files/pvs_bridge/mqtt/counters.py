"""Totals of energy that never go backwards, and the memory of them.

Home Assistant takes a total that falls for a meter that was replaced, and counts the whole value
again. But the readings of a PVS do fall: at night a production meter counts what the inverters
consume, and a list that is too short lacks panels or meters.

The memory is a retained message at the broker, so that the card is not written to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pvs_bridge.config import is_number
from pvs_bridge.monitor.production import LARGEST_STEP_KWH, largest_step_kwh

_LARGEST_KWH = 1e7
_MOST = 2000


@dataclass(frozen=True)
class Counter:
    """A total, and the reading that it has counted.

    Attributes:
        total: Kilowatt-hours; never falls.
        raw: The highest reading so far, or the first one of a new meter.
        at: When it was read, in seconds since 1970; None while the clock was wrong.
    """

    total: float
    raw: float
    at: float | None


def advanced(before: Counter | None, raw: float, at: float | None) -> Counter:
    """Return a counter after a reading.

    Args:
        before: The counter; None for none yet.
        raw: The reading, in kilowatt-hours.
        at: When it was read, in seconds since 1970; None while the clock is wrong.
    """
    if before is None:
        return Counter(round(max(0.0, raw), 4), raw, at)
    step = raw - before.raw
    if -LARGEST_STEP_KWH <= step <= 0:
        return before
    seconds = at - before.at if at is not None and before.at is not None else 0.0
    # Another meter, or a damaged reading, is the new basis without being counted.
    counted = step if 0 < step <= largest_step_kwh(seconds) else 0.0
    return Counter(round(before.total + counted, 4), raw, at)


@dataclass
class Memory:
    """What the service has to know after a restart.

    Attributes:
        counters: By the name of the total.
        day: The last midnight in seconds since 1970, and the energy of the day that began then.
    """

    counters: dict[str, Counter] = field(default_factory=dict)
    day: tuple[float, float] | None = None

    def count(self, name: str, raw: float | None, at: float | None) -> float | None:
        """Count a reading, and return the total; None before the first one."""
        if raw is not None:
            self.counters[name] = advanced(self.counters.get(name), raw, at)
        counter = self.counters.get(name)
        return None if counter is None else counter.total

    def add(self, name: str, energy: float, parts: float) -> float:
        """Add energy to a total, and return it.

        Args:
            name: The total.
            energy: Kilowatt-hours.
            parts: What the total is before it exists.
        """
        before = self.counters.get(name)
        total = parts if before is None else round(before.total + energy, 4)
        self.counters[name] = Counter(total, total, None)
        return total

    def today(self, midnight: float | None, kwh: float | None) -> float | None:
        """Return the energy of the day, which falls at midnight only; None if it is unknown."""
        if midnight is None or kwh is None:
            return None
        if self.day and self.day[0] == midnight:
            kwh = max(kwh, self.day[1])
        self.day = (midnight, kwh)
        return kwh

    def data(self) -> dict[str, Any]:
        """Return the memory as JSON."""
        counters = {name: [each.total, each.raw, each.at] for name, each in self.counters.items()}
        return {"counters": counters, "day": self.day}


def read_memory(text: bytes) -> Memory:
    """Read a memory; whatever another program may have written there is left out."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Memory()
    if not isinstance(found, dict):
        return Memory()
    memory = Memory()
    counters = found.get("counters")
    for name, values in islice(counters.items(), _MOST) if isinstance(counters, Mapping) else ():
        match values:
            case [total, raw, at] if _is_energy(total) and is_number(raw, -1e7, 1e7):
                memory.counters[name] = Counter(
                    float(total), float(raw), float(at) if is_number(at, 0, 1e11) else None
                )
    match found.get("day"):
        case [midnight, kwh] if is_number(midnight, 0, 1e11) and _is_energy(kwh):
            memory.day = (float(midnight), float(kwh))
    return memory


def _is_energy(value: object) -> bool:
    return is_number(value, 0, _LARGEST_KWH)
