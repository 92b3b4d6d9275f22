"""DeviceList from a plant's variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pvs_bridge.compat import values
from pvs_bridge.compat.mapping import (
    INVERTER,
    METERS,
    PVS,
    STORAGE,
    TEXT,
    TIME,
    TRANSFER_SWITCH,
    UPTIME,
    Kind,
    Row,
)
from pvs_bridge.pvs.firmware import Identity
from pvs_bridge.pvs.variables import Plant

WORKING_SECONDS = 900
"""A device is in state "working" if its measurement is not older. The PVS measures every 5 minutes;
measurements 8 minutes old were seen on working plants."""

KEPT_SECONDS = 1800
"""Older measurements are left out: clients would take last night's values for current ones."""

Device = dict[str, Any]


def now(plant: Plant) -> int | None:
    """Return the PVS's own time in seconds since 1970, because the Pi's clock may be wrong.

    If the PVS does not give it, the time of the newest measurement is used.
    """
    told = values.epoch(plant.live.get("time"))
    if told is not None:
        return told
    measured = (
        values.instant(device.get("msmtEps")) for kind in plant.devices.values() for device in kind
    )
    return max((at for at in measured if at is not None), default=None)


def device_list(plant: Plant, identity: Identity | None) -> list[Device]:
    """Return every device: supervisor, meters, inverters, battery."""
    at = now(plant)
    return [
        _supervisor(plant, identity, at),
        *_meters(plant, at),
        *(_device(INVERTER, each, at) for each in plant.of("inverter")),
        *(_device(STORAGE, each, at) for each in plant.of("ess")),
        *(_device(TRANSFER_SWITCH, each, at) for each in plant.of("transfer_switch")),
    ]


def _supervisor(plant: Plant, identity: Identity | None, at: int | None) -> Device:
    read = dict(_read(PVS, plant.info))
    model = read.pop("MODEL", None)
    uptime = read.pop("dl_uptime", None)
    device: Device = {
        "DETAIL": "detail",
        # It has answered this request.
        "STATE": "working",
        "STATEDESCR": "Working",
        "SERIAL": read.get("SERIAL"),
        "MODEL": f"PV Supervisor {model}" if model else None,
        "HWVER": read.get("HWVER"),
        "SWVER": identity.version if identity and identity.version else None,
        "DEVICE_TYPE": "PVS",
        "DATATIME": values.stamp(at) if at is not None else None,
        "dl_uptime": uptime,
        "CURTIME": values.stamp(at) if at is not None else None,
    }
    return {key: value for key, value in device.items() if value is not None}


def _meters(plant: Plant, at: int | None) -> Iterator[Device]:
    for each in plant.of("meter"):
        ending = (each.get("sn") or each.get("prodMdlNm") or "")[-1:]
        for kind in METERS:
            if ending and ending in kind.endings:
                yield _device(kind, each, at)


def measured_at(device: Mapping[str, str], at: int | None) -> int | None:
    """Return the time of a device's measurement; None if it is missing or too old."""
    measured = values.instant(device.get("msmtEps"))
    if measured is None or at is None or abs(at - measured) > KEPT_SECONDS:
        return None
    return measured


def _device(kind: Kind, variables: Mapping[str, str], at: int | None) -> Device:
    measured = measured_at(variables, at)
    works = measured is not None and at is not None and abs(at - measured) <= WORKING_SECONDS
    read = dict(_read(kind, variables, shown=measured is not None))
    device: Device = {
        "ISDETAIL": kind.fixed["ISDETAIL"],
        "SERIAL": read.pop("SERIAL", None),
        "TYPE": kind.fixed["TYPE"],
        "STATE": "working" if works else "error",
        "STATEDESCR": "Working" if works else "Error",
        "MODEL": read.pop("MODEL", None),
    }
    if device["SERIAL"] is not None:
        device["DESCR"] = f"{kind.described} {device['SERIAL']}"
    device.update((key, value) for key, value in kind.fixed.items() if key not in device)
    device.update(read)
    device.update(kind.tail)
    device["CURTIME"] = values.stamp(at) if at is not None else None
    return {key: value for key, value in device.items() if value is not None}


def _read(
    kind: Kind, variables: Mapping[str, str], *, shown: bool = True
) -> Iterator[tuple[str, str]]:
    """Yield keys and values of a kind; measurements only if `shown`."""
    for row in kind.rows:
        if shown or not row.measured:
            value = written(row, variables.get(row.variable))
            if value is not None:
                yield row.key, value


def written(row: Row, value: str | None) -> str | None:
    """Format a variable's value for a row; None if it is unknown."""
    if row.form == TEXT:
        return values.text(value)
    if row.form == TIME:
        seconds = values.instant(value)
        return values.stamp(seconds) if seconds is not None else None
    if row.form == UPTIME:
        return values.whole(value)
    return values.number(value, row.places)
