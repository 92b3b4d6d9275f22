"""DeviceList from a plant's variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pvs_bridge.compat import values
from pvs_bridge.compat.mapping import (
    BATTERY,
    COMPUTED,
    CURRENT,
    FIXED,
    INVERTER,
    LISTED,
    METERS,
    PVS,
    STORAGE,
    STORAGE_INVERTER,
    TEXT,
    TIME,
    TRANSFER_SWITCH,
    UPTIME,
    Kind,
    Row,
)
from pvs_bridge.pvs.devices import MISSING
from pvs_bridge.pvs.firmware import Identity, version_of
from pvs_bridge.pvs.serials import parts_of_storage, serial_of
from pvs_bridge.pvs.variables import Plant

WORKING_SECONDS = 900
"""A device is in state "working" if its measurement is not older. The PVS measures every 5 minutes;
measurements 8 minutes old were seen on working plants."""

KEPT_SECONDS = 1800
"""Older measurements are left out: clients would take last night's values for current ones."""

Device = dict[str, Any]
Variables = Mapping[str, str]


@dataclass(frozen=True)
class Beside:
    """What DeviceList needs beside a reading.

    Attributes:
        identity: The PVS, by supervisor/info.
        missing: The serial numbers of known inverters and meters that the reading lacks.
        listed: By serial number, the keys for which the new API has no variable.
    """

    identity: Identity | None = None
    missing: Iterable[str] = ()
    listed: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)


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


def serials(plant: Plant) -> list[str]:
    """Return the serial numbers of the inverters and meters of a reading."""
    each = (serial_of(device.get("sn")) for device in (*plant.of("inverter"), *plant.of("meter")))
    return [serial for serial in each if serial is not None]


def device_list(plant: Plant, beside: Beside) -> list[Device]:
    """Return every device: supervisor, meters, inverters, battery; known ones that are missing."""
    made = _Entries(beside.listed, now(plant))
    missing = [{"sn": serial} for serial in beside.missing]
    lost_meters = [each for each in missing if _kind_of_meter(each)]
    lost_inverters = [each for each in missing if not _kind_of_meter(each)]
    return [
        made.supervisor(plant, beside.identity),
        *made.meters(plant.of("meter")),
        *made.meters(lost_meters, lost=True),
        *(made.entry(INVERTER, each) for each in plant.of("inverter")),
        *(made.entry(INVERTER, each, lost=True) for each in lost_inverters),
        *made.storage(plant),
    ]


def _kind_of_meter(variables: Variables) -> Kind | None:
    ending = (variables.get("sn") or variables.get("prodMdlNm") or "")[-1:]
    return next((kind for kind in METERS if ending and ending in kind.endings), None)


def measured_at(device: Variables, at: int | None) -> int | None:
    """Return the time of a device's measurement; None if it is missing or too old."""
    measured = values.instant(device.get("msmtEps"))
    if measured is None or at is None or abs(at - measured) > KEPT_SECONDS:
        return None
    return measured


class _Entries:
    """Makes the entries of one DeviceList."""

    def __init__(self, listed: Mapping[str, Mapping[str, str | int]], at: int | None) -> None:
        self._listed = listed
        self._at = at

    def supervisor(self, plant: Plant, identity: Identity | None) -> Device:
        model = values.text(plant.info.get("model")) or (identity.model if identity else None)
        version = identity.version if identity else ""
        serial = plant.info.get("serialnum") or (identity.serial if identity else "")
        info = {**plant.info, "serialnum": serial}
        stamp = self._now()
        computed = {
            "MODEL": f"PV Supervisor {model}" if model else "",
            "SWVER": version or version_of(info.get("sw_rev", "")),
            "DATATIME": stamp,
            "flashwear_type_b": values.text(plant.pvs.get("flashwear_type_b")),
        }
        return self._filled(PVS, info, computed, serial)

    def meters(self, meters: Iterable[Variables], *, lost: bool = False) -> Iterator[Device]:
        for each in meters:
            kind = _kind_of_meter(each)
            if kind is not None:
                yield self.entry(kind, each, lost=lost)

    def storage(self, plant: Plant) -> Iterator[Device]:
        """Yield a SunVault's devices; its inverter and modules are known by its serial number."""
        parent = ""
        for each in plant.of("ess"):
            parent = values.text(each.get("sn")) or ""
            parts = parts_of_storage(serial_of(parent))
            if parts is not None:
                inverter, modules = parts
                yield self.entry(STORAGE_INVERTER, _part(each, inverter), parent)
                for module in modules:
                    yield self.entry(BATTERY, _part(each, module), parent)
            yield self.entry(STORAGE, each)
        for each in plant.of("transfer_switch"):
            yield self.entry(TRANSFER_SWITCH, each, parent)

    def entry(
        self, kind: Kind, variables: Variables, parent: str = "", *, lost: bool = False
    ) -> Device:
        measured = measured_at(variables, self._at)
        works = (
            measured is not None
            and self._at is not None
            and abs(self._at - measured) <= WORKING_SECONDS
        )
        serial = values.text(variables.get("sn")) or ""
        description = MISSING if lost else "Working" if works else "Error"
        computed = {
            "STATE": "working" if works else "error",
            "STATEDESCR": description,
            "DESCR": f"{kind.device_type} {serial}".strip(),
            "PARENT": parent,
        }
        return self._filled(kind, variables, computed, serial, shown=measured is not None)

    def _filled(
        self,
        kind: Kind,
        variables: Variables,
        computed: Mapping[str, str | None],
        serial: str,
        *,
        shown: bool = True,
    ) -> Device:
        """Return the keys of a kind; the measurements only if `shown`."""
        listed = self._listed.get(serial, {})
        computed = {"CURTIME": self._now(), **computed}
        device: Device = {}
        for row in kind.rows:
            if row.measured and not shown:
                continue
            value: str | int | None = None
            if row.form == COMPUTED:
                value = computed[row.key]
            elif row.form not in {FIXED, LISTED}:
                value = written(row, variables)
            if value is None and not row.measured:
                value = listed.get(row.key)
            if value is None:
                value = row.unknown
            if value is not None:
                device[row.key] = value
        return device

    def _now(self) -> str | None:
        return values.stamp(self._at) if self._at is not None else None


def _part(storage: Variables, serial: str) -> dict[str, str]:
    return {"sn": serial, **{key: storage[key] for key in ("msmtEps",) if key in storage}}


def written(row: Row, variables: Variables) -> str | None:
    """Format the value of a row's variable; None if it is unknown."""
    value = variables.get(row.variable)
    if row.form == TEXT:
        return values.text(value)
    if row.form == TIME:
        seconds = values.instant(value)
        return values.stamp(seconds) if seconds is not None else None
    if row.form == UPTIME:
        return values.whole(value)
    if row.form == CURRENT:
        return values.current(value, variables.get("v12V"), row.places)
    return values.number(value, row.places)


def listed_keys(devices: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str | int]]:
    """Return, by serial number, the keys of a device list that the new API has no variable for.

    Args:
        devices: The devices of devices/list.
    """
    wanted = {
        kind.device_type: {row.key for row in kind.rows if row.form == LISTED} | {"MODEL"}
        for kind in (PVS, INVERTER, STORAGE, TRANSFER_SWITCH, STORAGE_INVERTER, BATTERY)
    }
    wanted["Power Meter"] = {
        row.key for kind in METERS for row in kind.rows if row.form == LISTED
    } | {"MODEL"}
    found: dict[str, dict[str, str | int]] = {}
    for device in devices:
        serial, kind = serial_of(device.get("SERIAL")), device.get("DEVICE_TYPE")
        if serial is None or not isinstance(kind, str):
            continue
        found[serial] = {
            key: value
            for key in sorted(wanted.get(kind, ()))
            for value in [_plain(device.get(key))]
            if value is not None
        }
    return found


def _plain(value: object) -> str | int | None:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    # An empty text is known too: it differs from 0 where 0 is the unknown value.
    return value if isinstance(value, int) or value == "" else values.text(value)
