"""energy-storage-system/status from a plant's variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pvs_bridge.compat import values
from pvs_bridge.compat.devices import measured_at, now
from pvs_bridge.compat.mapping import STORAGE_ROWS, SWITCH_ROWS, StorageRow
from pvs_bridge.pvs.serials import parts_of_storage, serial_of
from pvs_bridge.pvs.variables import Plant

Part = dict[str, Any]

_LISTS = ("battery_status", "ess_status", "inverter_status")
_UNDATED = "ess_state"


def storage_report(plant: Plant) -> Part:
    """Return the report; without a battery it has empty lists, as on a PVS.

    The lists are of equal length, because programs read them side by side: the entries of one
    SunVault have the same index.
    """
    at = now(plant)
    report: Part = {name: [] for name in _LISTS}
    shown = [
        (each, measured)
        for each in plant.of("ess")
        for measured in [measured_at(each, at)]
        if measured is not None
    ]
    for each, measured in shown:
        for name, part in _parts(STORAGE_ROWS, each, measured).items():
            report.setdefault(name, []).append(part)
        inverter, modules = parts_of_storage(serial_of(each.get("sn"))) or ("", ("",))
        report["battery_status"][-1]["serial_number"] = modules[0]
        report["inverter_status"][-1]["serial_number"] = inverter
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
    """Return the parts of the report, each with the time of its measurement."""
    parts: dict[str, Part] = {}
    for row in rows:
        first, *levels = row.part.split(".")
        part = parts.setdefault(first, {})
        for level in levels:
            part = part.setdefault(level, {})
        if first != _UNDATED:
            part["last_updated"] = values.updated(measured)
        value = written(row, variables.get(row.variable))
        if value is not None:
            part[row.key] = value
    return parts


def written(row: StorageRow, value: str | None) -> Any:  # noqa: ANN401 - a string or an object
    """Format a variable's value for a row.

    A text without a value, and everything without a variable, is the row's unknown value. A number
    is left out while its variable is not valid: None.
    """
    if not row.unit:
        return values.text(value) or row.unknown
    number = values.scaled(value, row.factor, 3) if row.variable else row.unknown
    return None if number is None else {"value": number, "unit": row.unit}
