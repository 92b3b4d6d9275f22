"""energy-storage-system/status from a plant's variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pvs_bridge.compat import values
from pvs_bridge.compat.devices import measured_at, now
from pvs_bridge.compat.mapping import STORAGE_ROWS, SWITCH_ROWS, StorageRow
from pvs_bridge.pvs.variables import Plant

Part = dict[str, Any]


def storage_report(plant: Plant) -> Part:
    """Return the report; without a battery it has empty lists, as on a PVS."""
    at = now(plant)
    report: Part = {"battery_status": [], "ess_status": [], "inverter_status": []}
    shown = [
        (each, measured)
        for each in plant.of("ess")
        for measured in [measured_at(each, at)]
        if measured is not None
    ]
    for each, measured in shown:
        for name, part in _parts(STORAGE_ROWS, each, measured).items():
            report.setdefault(name, []).append(part)
    if shown:
        report = {"last_updated": values.updated(max(when for _, when in shown)), **report}
    for each in plant.of("transfer_switch")[:1]:
        switched = measured_at(each, at)
        if switched is not None:
            report.update(_parts(SWITCH_ROWS, each, switched))
    return {"ess_report": report, "errors": []}


def _parts(
    rows: Sequence[StorageRow], variables: Mapping[str, str], measured: int
) -> dict[str, Part]:
    """Return the parts of the report that have a value."""
    parts: dict[str, Part] = {}
    for row in rows:
        value = written(row, variables.get(row.variable))
        if value is None:
            continue
        part = parts
        for level in row.part.split("."):
            part = part.setdefault(level, {})
        part[row.key] = value
    for name in ("battery_status", "ess_status", "inverter_status", "hub_plus_status"):
        if name in parts:
            parts[name]["last_updated"] = values.updated(measured)
    return parts


def written(row: StorageRow, value: str | None) -> Any:  # noqa: ANN401 - a string or an object
    """Format a variable's value for a row; None if it is unknown."""
    if not row.unit:
        return values.text(value)
    number = values.scaled(value, row.factor, 3)
    return None if number is None else {"value": number, "unit": row.unit}
