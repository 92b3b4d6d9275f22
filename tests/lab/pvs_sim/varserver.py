"""The new API's variables: names, values (all strings) and who can read or set them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .clock import iso
from .devices import storage_serials
from .firmware import Firmware
from .options import Settings
from .plant import BatteryReading, MeterReading, PanelReading, Reading
from .spread import spread, spread_between
from .state import State

OPEN_PREFIX = "/sys/info/"
"""Variables below this can be read without logging in."""

TELEMETRY = "/sys/telemetryws/enable"
_WRITABLE = (TELEMETRY, "/network/report/send", "/metrics/network/interface_report_request")
_WRITABLE_WITH_BATTERY = (
    "/ess/config/dcm/mode_param/control_mode",
    "/ess/config/dcm/control_param/min_customer_soc",
)


_NO_SERIALS = ("", "NO SERIAL NUMBER", "none")
"""What the entry of an inverter that does not exist has for a serial number."""


@dataclass(frozen=True)
class View:
    """All that the variables are made from. Uptime in seconds.

    Attributes:
        listed: The first so many inverters, and no other device but the meters; None: everything.
        ghosts: Entries for inverters that do not exist.
    """

    reading: Reading
    state: State
    firmware: Firmware
    settings: Settings
    seed: int
    uptime: float
    listed: int | None = None
    ghosts: int = 0


def variables(view: View) -> dict[str, str]:
    """Return every variable of the build, in the order in which the PVS lists them."""
    reading = view.reading
    table = {**_info(view), **_network(view), **_livedata(reading)}
    for index, meter in enumerate((reading.production, reading.consumption)):
        table.update(_device("meter", index, _meter(meter, view.state)))
    for index, panel in enumerate(reading.panels[: view.listed]):
        table.update(_device("inverter", index, _inverter(panel)))
    if view.listed is None:
        for index in range(view.ghosts):
            ghost = {**_inverter(reading.panels[0]), **_ghost(index)}
            table.update(_device("inverter", len(reading.panels) + index, ghost))
    if reading.battery is not None and view.listed is None:
        table.update(_device("ess", 0, _ess(reading.battery, reading)))
        table.update(_device("transfer_switch", 0, _transfer_switch(reading.battery, reading)))
        table.update(
            dict(zip(_WRITABLE_WITH_BATTERY, ("SELF_CONSUMPTION", "0.300000"), strict=True))
        )
    table.update({name: v for name, v in view.state.variables.items() if name in table})
    return table


def odd(name: str, value: str, seed: int) -> object:
    """Return a value as some builds write it: with blanks around it, or not as a string."""
    draw = spread(seed, "odd", name)
    if name.startswith(OPEN_PREFIX) or draw < 0.5:
        return value
    if draw < 0.7:
        return f" {value}  "
    try:
        number = float(value)
    except ValueError:
        return f"\t{value}\n" if draw < 0.9 else value
    if draw < 0.9:
        return number
    return None if draw < 0.94 else [value] if draw < 0.97 else True


def tagged(name: str, tag: str) -> bool:
    """Tell whether a variable has a tag. The tags of a PVS are unknown: here a part of its path."""
    return tag in name.split("/")[1:-1]


def writable(reading: Reading) -> tuple[str, ...]:
    """Return the names that `set=` may change."""
    return _WRITABLE + (_WRITABLE_WITH_BATTERY if reading.battery is not None else ())


def livedata(reading: Reading) -> dict[str, Any]:
    """Return the live data by short name as JSON data; without a battery, without its keys."""
    values = asdict(reading.live)
    data = {k: round(v, 6) if k != "time" else v for k, v in values.items() if v is not None}
    data["backupTimeRemaining"] = _backup_minutes(reading)
    data["midstate"] = 2 if reading.battery is not None else 0
    return data


def _info(view: View) -> dict[str, str]:
    state, pvs6 = view.state, view.state.model == "PVS6"
    values = {
        "serialnum": state.serial,
        "model": state.model,
        "hwrev": "6.02" if pvs6 else "5.01",
        "uptime": f"{view.uptime:.2f}",
        "fwrev": " Major 2, Revision 0x5f21c0a4, Build 1190",
        "boardtype": "A0K LIB 1.0 PSoC5",
        "sw_rev": view.firmware.revision,
        "ssid": state.hotspot,
        "wpa_key": state.hotspot_key,
        "lmac": state.mac,
        "sys_type": "storage" if view.reading.battery is not None else "PV-only",
        "finance_type": "UNKNOWN",
        "active_interface": "sta0",
        "active_interface_mac": state.mac[:-2] + "FE",
        "ram_usage": _percent(view, "ram", 20, 40),
        "flash_usage": _percent(view, "flash", 40, 75)
        if view.settings.flash_usage is None
        else str(view.settings.flash_usage),
        "cpu_usage": _percent(view, "cpu", 5, 30),
    }
    return {OPEN_PREFIX + name: value for name, value in values.items()}


def _percent(view: View, what: str, low: int, high: int) -> str:
    return str(int(spread_between(low, high, view.seed, what, int(view.reading.at // 300))))


def _network(view: View) -> dict[str, str]:
    pvs6 = view.state.model == "PVS6"
    # The names differ by model.
    names = ("wwan0", "wan0", "wan1", "sta0") if pvs6 else ("cell", "wan", "plc", "sta0")
    states = {f"/net/{name}/state": "online" if name == "sta0" else "N/A" for name in names}
    return {
        "/network/report/send": "0",
        "/metrics/network/interface_report_request": "0",
        "/sys/toggle_cell/low_data_mode": "0",
        "/sys/toggle_cell/cell_connected": "0",
        "/sys/toggle_cell/broadband_connected": "1",
        **states,
        "/sys/pvs/flashwear_type_b": f"0x{view.settings.flash_wear:02x}",
        "/sys/pvs/usb_erase_count": "0",
        TELEMETRY: view.state.telemetry,
    }


def _livedata(reading: Reading) -> dict[str, str]:
    values = {name: _nan(value) for name, value in asdict(reading.live).items()}
    values["time"] = str(reading.live.time)
    values["backupTimeRemaining"] = str(_backup_minutes(reading))
    values["midstate"] = "2" if reading.battery is not None else "0"
    return {f"/sys/livedata/{name}": value for name, value in values.items()}


def _backup_minutes(reading: Reading) -> int:
    if reading.battery is None or reading.live.soc is None:
        return 0
    return int(reading.live.soc * 13.0 / reading.live.site_load_p * 60)


def _nan(value: float | None) -> str:
    return "nan" if value is None else f"{value:.6f}"


def _device(kind: str, index: int, values: dict[str, float | str]) -> dict[str, str]:
    return {
        f"/sys/devices/{kind}/{index}/{name}": value if isinstance(value, str) else f"{value:.6f}"
        for name, value in values.items()
    }


def _meter(meter: MeterReading, state: State) -> dict[str, float | str]:
    kind = meter.serial[-1]
    both = kind == "c"  # the production meter has one transformer and no legs
    return {
        "ctSclFctr": str(state.ct_amps[kind]),
        "freqHz": meter.frequency_hz,
        "i1A": meter.leg_currents_a[0] * both,
        "i2A": meter.leg_currents_a[1] * both,
        "msmtEps": iso(meter.measured_at),
        "negLtea3phsumKwh": meter.export_kwh,
        "netLtea3phsumKwh": meter.net_kwh,
        "p1Kw": meter.leg_powers_kw[0] * both,
        "p2Kw": meter.leg_powers_kw[1] * both,
        "p3phsumKw": meter.power_kw,
        "posLtea3phsumKwh": meter.import_kwh,
        "prodMdlNm": f"PVS6M0400{kind}",
        "q3phsumKvar": meter.reactive_kvar,
        "s3phsumKva": meter.apparent_kva,
        "sn": meter.serial,
        "totPfRto": meter.power_factor,
        "v12V": meter.voltage_v,
        "v1nV": meter.leg_voltages_v[0] * both,
        "v2nV": meter.leg_voltages_v[1] * both,
    }


def _inverter(panel: PanelReading) -> dict[str, float | str]:
    return {
        "freqHz": panel.frequency_hz,
        "i3phsumA": panel.current_a,
        "iMppt1A": panel.dc_current_a,
        "ltea3phsumKwh": panel.energy_kwh,
        "msmtEps": iso(panel.measured_at),
        "p3phsumKw": panel.power_kw,
        "pMppt1Kw": panel.dc_power_kw,
        "prodMdlNm": "AC_Module_Type_E",
        "sn": panel.serial,
        "tHtsnkDegc": str(panel.heatsink_c),
        "vMppt1V": panel.dc_voltage_v,
        "vln3phavgV": panel.voltage_v,
    }


def _ghost(index: int) -> dict[str, float | str]:
    measured = "1970-01-01T00:00:00Z"
    values = dict.fromkeys(("p3phsumKw", "i3phsumA", "pMppt1Kw", "ltea3phsumKwh"), 0.0)
    sn = _NO_SERIALS[index % len(_NO_SERIALS)]
    return {**values, "sn": sn, "prodMdlNm": "", "msmtEps": measured}


def _ess(battery: BatteryReading, reading: Reading) -> dict[str, float | str]:
    legs = reading.consumption.leg_voltages_v
    return {
        "chrgLimitPmaxKw": 3.4,
        "customerSocVal": battery.charge_state,
        "dischrgLimPmaxKw": 6.8,
        "maxTBattCellDegc": battery.temperature_c + 1,
        "maxVBattCellV": battery.voltage_v / 14 + 0.01,
        "minTBattCellDegc": battery.temperature_c - 1,
        "minVBattCellV": battery.voltage_v / 14 - 0.01,
        "msmtEps": iso(battery.measured_at),
        "negLtea3phsumKwh": battery.charged_kwh,
        "opMode": "SELF_CONSUMPTION",
        "p3phsumKw": battery.power_kw,
        "posLtea3phsumKwh": battery.discharged_kwh,
        "prodMdlNm": "SPWR-Equinox-model",
        "sn": storage_serials(battery)["Energy Storage System"],
        "socVal": battery.charge_state,
        "sohVal": "1",
        "tInvtrDegc": battery.temperature_c + 4,
        "v1nV": legs[0],
        "v2nV": legs[1],
        "vBattV": battery.voltage_v,
    }


def _transfer_switch(battery: BatteryReading, reading: Reading) -> dict[str, float | str]:
    legs = reading.consumption.leg_voltages_v
    return {
        "midStEnum": "CLOSED",
        "msmtEps": iso(battery.measured_at),
        "prodMdlNm": "SPWR-HUB-Plus",
        "pvd1StEnum": "CLOSED",
        "sn": f"SH{battery.serial[2:11]}",
        "tDegc": 27.0,
        "v1nGridV": legs[0],
        "v1nV": legs[0],
        "v2nGridV": legs[1],
        "v2nV": legs[1],
        "vSpplyV": 11.4,
    }
