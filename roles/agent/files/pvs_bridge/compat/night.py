"""The rest at night: a reading is used longer while no panel produces."""

from __future__ import annotations

from pvs_bridge.compat import values
from pvs_bridge.compat.devices import measured_at, now
from pvs_bridge.compat.query import Table
from pvs_bridge.pvs.variables import sort_plant, texts


def fresh_seconds(by_day: float, at_night: float, table: Table | None) -> float:
    """Return how long a reading is fresh.

    Args:
        by_day: In seconds.
        at_night: In seconds, if it is longer.
        table: The last whole reading; None: none yet.
    """
    return at_night if table is not None and at_night > by_day and _is_night(table) else by_day


def _is_night(table: Table) -> bool:
    """Return whether there are panels, and none of them produces."""
    plant = sort_plant(texts(table))
    at = now(plant)
    powers = [
        values.decimal(each.get("p3phsumKw")) if measured_at(each, at) is not None else None
        for each in plant.of("inverter")
    ]
    return bool(powers) and not any(power is not None and power > 0 for power in powers)
