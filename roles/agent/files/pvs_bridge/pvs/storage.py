"""Read the answer of energy-storage-system/status: charge, power and mode of the battery."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pvs_bridge.pvs.devices import number
from pvs_bridge.text import clean

PATH = "/cgi-bin/dl_cgi/energy-storage-system/status"
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Battery:
    """A battery, or several together; None if unknown.

    Attributes:
        charge_percent: The state of charge that its owner can use.
        watts: The power; positive while it discharges.
        mode: What it is set to do, such as ``self consumption``.
    """

    charge_percent: float | None
    watts: int | None
    mode: str | None


def read_battery(body: bytes) -> Battery | None:
    """Return the battery; None if the body does not tell of one."""
    try:
        report = json.loads(body)["ess_report"]
        # A PVS without a battery has empty lists.
        if not report["ess_status"]:
            return None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    charges = [_charge(each) for each in _parts(report, "battery_status")]
    powers = [
        _value(each.get("ess_meter_reading"), "agg_power") for each in _parts(report, "ess_status")
    ]
    modes = [
        clean(each.get("operational_mode")).lower().replace("_", " ")
        for each in _parts(report, "ess_state")
    ]
    known = [each for each in charges if each is not None]
    told = [each for each in powers if each is not None]
    mode = next((each for each in modes if each not in ("", _UNKNOWN)), None)
    return Battery(
        charge_percent=round(sum(known) / len(known), 1) if known else None,
        watts=round(sum(told) * 1000) if told else None,
        mode=mode,
    )


def _charge(part: Mapping[str, Any]) -> float | None:
    found = (_value(part, f"{which}_state_of_charge", 101) for which in ("customer", "system"))
    return next((each for each in found if each is not None), None)


def _parts(report: Any, name: str) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - JSON
    parts = report.get(name) if isinstance(report, dict) else None
    for each in parts if isinstance(parts, list) else ():
        if isinstance(each, dict):
            yield each


def _value(part: Any, key: str, limit: float = 1e4) -> float | None:  # noqa: ANN401 - JSON
    found = part.get(key) if isinstance(part, dict) else None
    return number(found.get("value"), limit) if isinstance(found, dict) else None
