"""Read a DeviceList body strictly, and the plant in it."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pvs_bridge.pvs.serials import LONGEST, serial_of
from pvs_bridge.text import clean

STATE_CELL = 12
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?", re.IGNORECASE | re.ASCII)

MISSING = "Missing"
"""STATEDESCR of a known device that the PVS does not list; the compat service writes it."""

STORAGE_KINDS = {
    "battery",
    "energy storage system",
    "ess bms",
    "gateway",
    "hub+",
    "pv disconnect",
    "storage inverter",
}


class AnswerError(ValueError):
    """A body that cannot be interpreted.

    Attributes:
        refused: The body is whole, but its `result` is not succeed.
    """

    def __init__(self, seen: str, *, refused: bool = False) -> None:
        """Add what was seen."""
        super().__init__(seen)
        self.refused = refused


@dataclass(frozen=True)
class Supervisor:
    """The PVS itself. It does not start any more once its flash is full.

    Attributes:
        model: PVS5 or PVS6.
        serial: Its last characters are the PVS's password from build 61840 on, so no output and no
            log has it. mDNS announces it if it is to.
        firmware: SWVER.
        uptime_seconds: Since its start.
        flash_free_kib: Free flash memory; old firmware tells it.
        flash_used_percent: Flash memory in use; new firmware tells it.
        flash_wear_percent: How much of the flash's life is over, in steps of 10; 110 after its end;
            new firmware tells it.
    """

    model: str
    serial: str = field(repr=False)
    firmware: str
    uptime_seconds: int | None
    flash_free_kib: int | None = None
    flash_used_percent: int | None = None
    flash_wear_percent: int | None = None


@dataclass(frozen=True)
class Meter:
    """A power meter. Its serial number contains digits of the PVS's, so no output has it.

    Attributes:
        kind: `production`, `consumption` or `other`.
        place: What a consumption meter measures: `grid`, positive while the home imports; `home`,
            what the home consumes; None if unknown.
        kw: The power.
        kwh: The energy of its lifetime, net.
        positive_kwh: The energy while the power was positive; None if the PVS does not tell it. At
            the grid, that is what the home has imported.
        negative_kwh: The same for negative power: what the home has exported.
    """

    kind: str
    place: str | None
    serial: str = field(repr=False)
    kw: float | None
    kwh: float | None
    positive_kwh: float | None = None
    negative_kwh: float | None = None


@dataclass(frozen=True)
class Panel:
    """A panel's inverter.

    Attributes:
        state: `working`; `asleep`: it reports nothing, and neither does any other panel;
            `silent`: it reports nothing while others work; `missing`: the PVS has listed it before
            and does not list it now; or the PVS's own text.
    """

    serial: str
    state: str
    watts: int | None
    lifetime_kwh: float | None
    heatsink_c: float | None


@dataclass(frozen=True)
class OtherDevice:
    """A part of a battery, or a device of an unknown kind."""

    kind: str
    serial: str
    state: str


@dataclass(frozen=True)
class Plant:
    """Everything that one PVS reports."""

    supervisor: Supervisor | None
    meters: tuple[Meter, ...]
    storage: tuple[OtherDevice, ...]
    others: tuple[OtherDevice, ...]
    panels: tuple[Panel, ...]

    @property
    def missing(self) -> int:
        """The number of panels that the PVS does not list, although it did before."""
        return sum(panel.state == "missing" for panel in self.panels)

    @property
    def working(self) -> int:
        """The number of panels that work."""
        return sum(panel.state == "working" for panel in self.panels)

    @property
    def kw(self) -> float:
        """The power of the panels that work. A sleeping panel's last reading does not count."""
        watts = (panel.watts or 0 for panel in self.panels if panel.state == "working")
        return sum(watts) / 1000

    @property
    def total(self) -> str:
        """The panels in one line."""
        count = len(self.panels)
        if not count:
            return "no panels"
        missing = f", {self.missing} missing from the list" if self.missing else ""
        if not self.working:
            return f"{panels_text(count)} asleep{missing}"
        line = f"{panels_text(count)}, {self.kw:.2f} kW"
        some = "" if self.working == count else f" from {self.working} working"
        return f"{line}{some}{missing}"

    @property
    def summary(self) -> str:
        """The plant in one line.

        Without the serial number, because this line is logged.
        """
        pvs = self.supervisor
        head = f"{pvs.model}, firmware {pvs.firmware}" if pvs else "no supervisor in the list"
        return f"{head}, {self.total}"


def read_devices(body: bytes) -> list[dict[str, Any]]:
    """Return the devices of a good answer.

    Raises:
        AnswerError: The body is damaged, or reports that the request did not succeed.
    """
    if not body.strip():
        raise AnswerError("an empty body")
    try:
        answer = json.loads(body.decode())
    except (ValueError, RecursionError):  # ValueError: not UTF-8, not JSON, too many digits
        raise AnswerError(_damage(body)) from None
    if not isinstance(answer, dict) or "result" not in answer:
        raise AnswerError('JSON without a "result"')
    if answer["result"] != "succeed":
        raise AnswerError(f'"result": {clean(answer["result"])!r}', refused=True)
    devices = answer.get("devices")
    if not isinstance(devices, list):
        raise AnswerError('JSON without a list of "devices"')
    return [device for device in devices if isinstance(device, dict)]


def _damage(body: bytes) -> str:
    start = body.lstrip()
    if re.match(rb"(HTTP/|[A-Za-z][A-Za-z-]*: )", start):
        return "header lines inside the body"
    if start[:1] in {b"{", b"["}:
        return f"JSON that is cut off or garbled ({len(body)} bytes)"
    return f"something that is not JSON ({clean(start[:24].decode('latin-1'))!r}...)"


def read_plant(devices: Sequence[dict[str, Any]]) -> Plant:
    """Sort devices into a plant. Missing and invalid values are left out, never guessed."""
    supervisor: Supervisor | None = None
    meters: list[Meter] = []
    storage: list[OtherDevice] = []
    others: list[OtherDevice] = []
    inverters: list[dict[str, Any]] = []
    for device in devices:
        kind = clean(device.get("DEVICE_TYPE")).lower()
        if kind == "pvs" and supervisor is None:
            supervisor = _supervisor(device)
        elif kind == "power meter":
            # A missing meter has no values to show; the monitor knows its serial number.
            if not _is_missing(device):
                meters.append(_meter(device))
        elif kind == "inverter":
            # Some PVSs list inverters that do not exist, without a serial number.
            if serial_of(device.get("SERIAL")) is not None:
                inverters.append(device)
        else:
            (storage if kind in STORAGE_KINDS else others).append(_other(device))
    daytime = any(_state(inverter) == "working" for inverter in inverters)
    panels = [_panel(inverter, daytime=daytime) for inverter in inverters]
    return Plant(supervisor, tuple(meters), tuple(storage), tuple(others), tuple(panels))


def _supervisor(device: dict[str, Any]) -> Supervisor:
    uptime = number(device.get("dl_uptime"), limit=1e10)
    flash = number(device.get("dl_flash_avail"), limit=1e10)
    used = number(device.get("flash_usage"), limit=101)
    return Supervisor(
        model=clean(device.get("MODEL")).replace("PV Supervisor ", "") or "PVS",
        serial=clean(device.get("SERIAL")) or "-",
        firmware=clean(device.get("SWVER")) or "unknown",
        uptime_seconds=int(uptime) if uptime is not None and uptime >= 0 else None,
        flash_free_kib=int(flash) if flash is not None and flash >= 0 else None,
        flash_used_percent=int(used) if used is not None and used >= 0 else None,
        flash_wear_percent=_wear(device.get("flashwear_type_b")),
    )


def _wear(value: object) -> int | None:
    """Read the wear of an eMMC: 0x01 to 0x0a are steps of 10 %, 0x0b is more (JEDEC 84-B51)."""
    found = re.fullmatch(r"0x0?([0-9a-b])", clean(value).lower())
    return int(found[1], 16) * 10 if found else None


def _meter(device: dict[str, Any]) -> Meter:
    hint = f"{clean(device.get('TYPE'))} {clean(device.get('subtype'), 80)}".upper()
    kind = "other"
    if "-METER-P" in hint or "PRODUCTION" in hint:
        kind = "production"
    elif "-METER-C" in hint or "CONSUMPTION" in hint:
        kind = "consumption"
    kw = number(device.get("p_3phsum_kw"))
    place = _place(hint, kw) if kind == "consumption" else None
    return Meter(
        kind,
        place,
        _serial(device),
        kw,
        number(device.get("net_ltea_3phsum_kwh")),
        number(device.get("pos_ltea_3phsum_kwh")),
        number(device.get("neg_ltea_3phsum_kwh")),
    )


def _place(hint: str, kw: float | None) -> str | None:
    """Return what a consumption meter measures.

    Its transformers sit on the mains (NET_CONSUMPTION_LOADSIDE), or between the mains and the home
    (GROSS_CONSUMPTION_LINESIDE). Some PVSs have NOT_USED for a meter that is in use.
    """
    if "NET_CONSUMPTION" in hint or (kw is not None and kw < 0):
        return "grid"
    return "home" if "GROSS_CONSUMPTION" in hint else None


def _panel(device: dict[str, Any], *, daytime: bool) -> Panel:
    state = _state(device)
    if _is_missing(device):
        state = "missing"
    elif state in {"error", ""}:
        # The PVS calls an inverter that it does not hear "error"; at night that is every one.
        state = "silent" if daytime else "asleep"
    kilowatts = number(device.get("p_3phsum_kw"))
    return Panel(
        serial=_serial(device),
        state=state,
        watts=None if kilowatts is None else round(kilowatts * 1000),
        lifetime_kwh=number(device.get("ltea_3phsum_kwh")),
        heatsink_c=number(device.get("t_htsnk_degc")),
    )


def _other(device: dict[str, Any]) -> OtherDevice:
    kind = clean(device.get("DEVICE_TYPE")) or "unknown"
    # A second PVS in the list has a password too.
    serial = "-" if kind.lower() == "pvs" else _serial(device)
    return OtherDevice(kind, serial, _state(device) or "-")


def _is_missing(device: dict[str, Any]) -> bool:
    return clean(device.get("STATEDESCR")) == MISSING


def _serial(device: dict[str, Any]) -> str:
    return clean(device.get("SERIAL"), LONGEST) or "-"


def _state(device: dict[str, Any]) -> str:
    return clean(device.get("STATE"), STATE_CELL).lower()


def number(value: object, limit: float = 1e7) -> float | None:
    """Return a number, which the PVS writes as a string; None for anything else.

    The limit keeps columns aligned: homes do not have 10 GW or 10 GWh.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    # Python also reads 1_000, and the digits of other scripts.
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) and abs(result) < limit else None


def plant_data(plant: Plant) -> dict[str, Any]:
    """Return the plant as --json prints it; roles/health/README.md describes the keys.

    Without the serial numbers of the PVS and its meters; see :class:`Supervisor`.
    """
    found = dataclasses.asdict(plant)
    for device in filter(None, (found["supervisor"], *found["meters"])):
        del device["serial"]
    return {
        **found,
        "total": {
            "panels": len(plant.panels),
            "working": plant.working,
            "kw": round(plant.kw, 3),
        },
        "summary": plant.summary,
    }


def panels_text(count: int) -> str:
    """Return a number of panels as text."""
    return "1 panel" if count == 1 else f"{count} panels"
