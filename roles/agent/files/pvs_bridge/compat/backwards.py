"""The variables of the new API from answers of the old one: the mapping table, read backwards.

Firmware that never got /vars can be read by new programs with it. A variable for which the old API
has no key is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from pvs_bridge.compat import values
from pvs_bridge.compat.mapping import (
    INTERFACES,
    INVERTER,
    METERS,
    PVS,
    STORAGE,
    STORAGE_ROWS,
    SWITCH_ROWS,
    TEXT,
    TIME,
    TRANSFER_SWITCH,
    UPTIME,
    Kind,
    Row,
    StorageRow,
)
from pvs_bridge.pvs.firmware import revision_of
from pvs_bridge.pvs.serials import serial_of

Device = Mapping[str, Any]

UNKNOWN = {
    "/sys/info/lmac": "",
    "/sys/info/ssid": "",
    "/sys/info/ram_usage": "0",
    "/sys/info/flash_usage": "0",
    "/sys/info/cpu_usage": "0",
}
"""The vendor's library asks for each of these by name, and stops without one. The old API has none
of them."""

ACTIVE_INTERFACE = "/sys/info/active_interface"
NETWORK_NAMES = (ACTIVE_INTERFACE, *(f"/net/{each.variables[0]}/state" for each in INTERFACES))
"""The variables that only Get_Comm tells."""

_MODEL = "PV Supervisor "


def variables_of(
    devices: Iterable[Device],
    storage: Mapping[str, Any] | None = None,
    network: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Return the variables that the old API's answers tell, in the order of a PVS.

    Args:
        devices: The devices of DeviceList.
        storage: The ess_report of energy-storage-system/status.
        network: The networkstatus of Get_Comm.
    """
    listed = [each for each in devices if isinstance(each, Mapping)]
    found: dict[str, str] = {}
    for device in _of(PVS, listed):
        found.update(_supervisor(device, stored=any(_of(STORAGE, listed))))
    found.update(_network(network or {}))
    found.update(_live(listed))
    for folder in ("meter", "inverter", "ess", "transfer_switch"):
        kinds = [kind for kind in (*METERS, INVERTER, STORAGE, TRANSFER_SWITCH)
                 if kind.variables == folder]  # fmt: skip
        entries = [(kind, device) for kind in kinds for device in _of(kind, listed)]
        for index, (kind, device) in enumerate(entries):
            told = {**dict(_read(kind, device)), **_stored(kind, storage or {}, index)}
            for leaf, value in told.items():
                found[f"/sys/devices/{folder}/{index}/{leaf}"] = value
    return found


def _of(kind: Kind, devices: Iterable[Device]) -> Iterator[Device]:
    """Yield the real devices of a kind; meters by the last letter of their TYPE."""
    for device in devices:
        type_ = device.get("TYPE")
        letter = type_[-1:] if isinstance(type_, str) else ""
        if (
            device.get("DEVICE_TYPE") == kind.device_type
            and (not kind.endings or (letter and letter in kind.endings))
            and serial_of(device.get("SERIAL")) is not None
        ):
            yield device


def _read(kind: Kind, device: Device) -> Iterator[tuple[str, str]]:
    """Yield the variables of a device, by the last part of their names."""
    for row in kind.rows:
        # A row with a note is made from a variable that another row tells.
        if row.variable and not row.note:
            value = told(row, device.get(row.key))
            if value is not None:
                yield row.variable, value


def told(row: Row, value: object) -> str | None:
    """Return a key's value as its variable has it; None if it is unknown."""
    if not isinstance(value, str):
        return None
    if row.form == TEXT:
        return values.text(value)
    if row.form == TIME:
        seconds = values.from_stamp(value)
        return values.iso(seconds) if seconds is not None else None
    if row.form == UPTIME:
        return values.whole(value)
    return value if values.decimal(value) is not None else None


def _supervisor(device: Device, *, stored: bool) -> dict[str, str]:
    info = {f"/sys/info/{leaf}": value for leaf, value in _read(PVS, device)}
    model, version = (values.text(str(device.get(key, ""))) or "" for key in ("MODEL", "SWVER"))
    made = {
        "/sys/info/model": model.removeprefix(_MODEL),
        "/sys/info/sw_rev": revision_of(version),
        "/sys/info/sys_type": "storage" if stored else "PV-only",
    }
    return {**info, **{name: value for name, value in made.items() if value}, **_left(info)}


def _left(info: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in UNKNOWN.items() if name not in info}


def _network(status: Mapping[str, Any]) -> dict[str, str]:
    """Return the state of each interface by its first name, which is a PVS6's."""
    entries = status.get("interfaces")
    up = {
        each.get("interface"): each.get("internet") == "up"
        for each in (entries if isinstance(entries, list) else ())
        if isinstance(each, Mapping) and isinstance(each.get("interface"), str)
    }
    found = {
        f"/net/{each.variables[0]}/state": "online" if up[each.name] else "N/A"
        for each in INTERFACES
        if each.name in up
    }
    system = status.get("system")
    active = system.get("interface") if isinstance(system, Mapping) else None
    for each in INTERFACES:
        if each.name == active:
            found[ACTIVE_INTERFACE] = each.variables[0]
    return found


def _live(devices: list[Device]) -> dict[str, str]:
    """Return the live data that the meters tell; site_load is what the plant and the grid give."""
    found: dict[str, str] = {}
    for pvs in _of(PVS, devices):
        seconds = values.from_stamp(pvs.get("CURTIME"))
        if seconds is not None:
            found["time"] = str(seconds)
    battery = any(_of(STORAGE, devices))
    for suffix, key in (("p", "p_3phsum_kw"), ("en", "net_ltea_3phsum_kwh")):
        parts: list[Decimal] = []
        for kind, name in zip(METERS, ("pv", "net"), strict=True):
            for meter in _of(kind, devices):
                value = meter.get(key)
                number = values.decimal(value if isinstance(value, str) else None)
                if number is not None and f"{name}_{suffix}" not in found:
                    found[f"{name}_{suffix}"] = str(value)
                    parts.append(number)
        # The battery's part is not in DeviceList.
        if len(parts) == len(METERS) and not battery:
            found[f"site_load_{suffix}"] = f"{sum(parts):f}"
    return {f"/sys/livedata/{name}": value for name, value in found.items()}


def _stored(kind: Kind, report: Mapping[str, Any], index: int) -> dict[str, str]:
    """Return the variables of a battery's part that energy-storage-system/status tells."""
    if kind not in (STORAGE, TRANSFER_SWITCH):
        return {}
    found: dict[str, str] = {}
    for row in STORAGE_ROWS if kind is STORAGE else SWITCH_ROWS:
        value = _stored_value(row, report, index) if row.variable else None
        if value is not None:
            found.setdefault(row.variable, value)
    dated = _at(report, "ess_status" if kind is STORAGE else "hub_plus_status", index)
    seconds = values.from_updated(dated.get("last_updated") if dated else None)
    return {**found, "msmtEps": values.iso(seconds)} if seconds is not None else {}


def _stored_value(row: StorageRow, report: Mapping[str, Any], index: int) -> str | None:
    first, *levels = row.part.split(".")
    part = _at(report, first, index)
    for level in levels:
        inner = part.get(level) if part else None
        part = inner if isinstance(inner, Mapping) else None
    value = part.get(row.key) if part else None
    if not row.unit:
        return values.text(value) if isinstance(value, str) and value != row.unknown else None
    number = value.get("value") if isinstance(value, Mapping) else None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return None
    read = values.decimal(str(number))
    return f"{read / row.factor:f}" if read is not None else None


def _at(report: Mapping[str, Any], name: str, index: int) -> Mapping[str, Any] | None:
    part = report.get(name)
    if isinstance(part, list):
        part = part[index] if index < len(part) else None
    return part if isinstance(part, Mapping) else None
