"""The old API's device list: every device as it writes them, numbers as strings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .firmware import Firmware
from .plant import BatteryReading, MeterReading, PanelReading, Reading
from .spread import hexadecimal, spread_between
from .state import State

Device = dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """All that the device list is made from. Uptime in seconds."""

    reading: Reading
    state: State
    firmware: Firmware
    seed: int
    uptime: float


def stamp(seconds: float) -> str:
    """Write an instant as the old API does: `2026,06,21,19,05,00`, UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y,%m,%d,%H,%M,%S")


def number(value: float, places: int = 4) -> str:
    """Write a number as the old API does: a string without needless zeros."""
    text = f"{value:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def device_list(moment: Moment) -> list[Device]:
    """Return all devices: supervisor, meters, inverters, then what a battery brings."""
    reading, now = moment.reading, stamp(moment.reading.at)
    devices = [
        supervisor(moment),
        production_meter(reading.production, moment.state, now),
        consumption_meter(reading.consumption, moment.state, now),
        *(inverter(panel, now) for panel in reading.panels),
    ]
    if reading.battery is not None:
        devices.extend(storage(reading, reading.battery, now))
    return devices


def supervisor(moment: Moment) -> Device:
    """Return the PVS's own entry."""
    seed, at = moment.seed, moment.reading.at
    scan = at - at % 300
    return {
        "DETAIL": "detail",
        "STATE": "working",
        "STATEDESCR": "Working",
        "SERIAL": moment.state.serial,
        "MODEL": f"PV Supervisor {moment.state.model}",
        "HWVER": "6.02" if moment.state.model == "PVS6" else "5.01",
        "SWVER": moment.firmware.version,
        "DEVICE_TYPE": "PVS",
        "DATATIME": stamp(scan),
        "dl_err_count": "0",
        "dl_comm_err": str(int(spread_between(20, 600, seed, "comm", int(scan)))),
        "dl_skipped_scans": "0",
        "dl_scan_time": "1",
        "dl_untransmitted": str(int(spread_between(300, 4000, seed, "untransmitted"))),
        "dl_uptime": str(int(moment.uptime)),
        "dl_cpu_load": number(spread_between(0.2, 0.9, seed, "load", int(scan)), 2),
        "dl_mem_used": str(int(spread_between(60_000, 90_000, seed, "memory", int(scan)))),
        "dl_flash_avail": str(int(spread_between(60_000, 110_000, seed, "flash"))),
        "panid": int(spread_between(10**9, 4 * 10**9, seed, "panid")),
        "CURTIME": stamp(at),
    }


def production_meter(meter: MeterReading, state: State, now: str) -> Device:
    """Return the production meter's entry."""
    return {
        **_meter_head(meter, "production", "GROSS_PRODUCTION_SITE"),
        **_meter_values(meter, state.ct_amps["p"]),
        "i_a": number(meter.current_a),
        "v12_v": number(meter.voltage_v),
        "CAL0": "50",
        **_tail(now),
    }


def consumption_meter(meter: MeterReading, state: State, now: str) -> Device:
    """Return the consumption meter's entry."""
    return {
        **_meter_head(meter, "consumption", "GROSS_CONSUMPTION_LINESIDE"),
        **_meter_values(meter, state.ct_amps["c"]),
        "i1_a": number(meter.leg_currents_a[0]),
        "i2_a": number(meter.leg_currents_a[1]),
        "v1n_v": number(meter.leg_voltages_v[0]),
        "v2n_v": number(meter.leg_voltages_v[1]),
        "v12_v": number(meter.voltage_v),
        "p1_kw": number(meter.leg_powers_kw[0]),
        "p2_kw": number(meter.leg_powers_kw[1]),
        "neg_ltea_3phsum_kwh": number(meter.export_kwh),
        "pos_ltea_3phsum_kwh": number(meter.import_kwh),
        "CAL0": "100",
        **_tail(now),
    }


def _meter_head(meter: MeterReading, role: str, subtype: str) -> Device:
    letter = meter.serial[-1]
    return {
        "ISDETAIL": True,
        "SERIAL": meter.serial,
        "TYPE": f"PVS5-METER-{letter.upper()}",
        "STATE": "working",
        "STATEDESCR": "Working",
        "MODEL": f"PVS6M0400{letter}",
        "DESCR": f"Power Meter {meter.serial}",
        "DEVICE_TYPE": "Power Meter",
        "interface": "mime",
        f"{role}_subtype_enum": subtype,
        "subtype": subtype,
        "SWVER": "3000",
        "PORT": "",
        "DATATIME": stamp(meter.measured_at),
    }


def _meter_values(meter: MeterReading, ct_amps: int) -> Device:
    return {
        "ct_scl_fctr": str(ct_amps),
        "net_ltea_3phsum_kwh": number(meter.net_kwh),
        "p_3phsum_kw": number(meter.power_kw),
        "q_3phsum_kvar": number(meter.reactive_kvar),
        "s_3phsum_kva": number(meter.apparent_kva),
        "tot_pf_rto": number(meter.power_factor),
        "freq_hz": number(meter.frequency_hz, 2),
    }


def _tail(now: str) -> Device:
    return {"origin": "data_logger", "OPERATION": "noop", "CURTIME": now}


def inverter(panel: PanelReading, now: str) -> Device:
    """Return a panel's entry; at night it is in `error` and soon without measurements."""
    measurements: Device = {}
    if panel.measured:
        measurements = {
            "DATATIME": stamp(panel.measured_at),
            "ltea_3phsum_kwh": number(panel.energy_kwh),
            "p_3phsum_kw": number(panel.power_kw),
            "vln_3phavg_v": number(panel.voltage_v, 2),
            "i_3phsum_a": number(panel.current_a, 2),
            "p_mppt1_kw": number(panel.dc_power_kw),
            "v_mppt1_v": number(panel.dc_voltage_v, 2),
            "i_mppt1_a": number(panel.dc_current_a, 2),
            "t_htsnk_degc": str(panel.heatsink_c),
            "freq_hz": number(panel.frequency_hz, 2),
            "stat_ind": "0",
        }
    return {
        "ISDETAIL": True,
        "SERIAL": panel.serial,
        "TYPE": "SOLARBRIDGE",
        "STATE": "working" if panel.awake else "error",
        "STATEDESCR": "Working" if panel.awake else "Error",
        "MODEL": "AC_Module_Type_E",
        "DESCR": f"Inverter {panel.serial}",
        "DEVICE_TYPE": "Inverter",
        "hw_version": "4405",
        "interface": "mime",
        "module_serial": panel.module,
        "PANEL": "SPR-X22-360-E-AC",
        "slave": 0,
        "SWVER": "4.40.1",
        "PORT": "",
        "MOD_SN": panel.module,
        "NMPLT_SKU": "",
        **measurements,
        **_tail(now),
    }


def storage(reading: Reading, battery: BatteryReading, now: str) -> list[Device]:
    """Return the devices that a battery brings with it."""
    names = storage_serials(battery)
    when = stamp(battery.measured_at)
    legs = [number(volt, 1) for volt in reading.consumption.leg_voltages_v]
    mac = {"mac_address": _mac(battery.serial)}
    parent = {"parent": 11}
    disconnect = {
        "DATATIME": when,
        "event_history": "0",
        "fw_error": "0",
        "relay_mode": "0",
        "relay1_state": "1",
        "relay2_state": "1",
        "relay1_error": "0",
        "relay2_error": "0",
        "v1n_grid_v": legs[0],
        "v2n_grid_v": legs[1],
        "v1n_pv_v": legs[0],
        "v2n_pv_v": legs[1],
    }
    kinds: list[tuple[str, str, str, str, Device, str, str, Device]] = [
        ("PV Disconnect", "PV-DISCONNECT", "SunPower PV Disconnect Relay", "ttymxc5",
         {"hw_version": "0.2.0", "slave": 230}, "0.2.13", "P0, Modbus, Slave 230", disconnect),
        ("Gateway", "GATEWAY", "SchneiderElectric-ConextGateway", "sunspec",
         {**mac, "slave": 1}, "V1", "P0, SunSpec, Slave 1", {}),
        ("Storage Inverter", "SCHNEIDER-XWPRO", "SchneiderElectric-XW6848-21", "sunspec",
         {**mac, **parent, "slave": 10}, "V1", "P0, SunSpec, Slave 10", {}),
        ("ESS BMS", "EQUINOX-BMS", "SchneiderElectric-SP1", "sunspec",
         {**mac, **parent, "slave": 230}, "V1", "P0, SunSpec, Slave 230", {}),
        ("Battery", "BATTERY", "POWERAMP-Komodo 1.2", "none",
         {"hw_version": "4.34", **parent}, "2.8", "P0, None, Slave -1", {}),
        ("Energy Storage System", "EQUINOX-ESS", "SPWR-Equinox-model", "none",
         {"hw_version": "0"}, "0", "P0, Parent, Slave -1", {}),
        ("HUB+", "HUB+", "SPWR-HUB-Plus", "none",
         {"hw_version": "0", **parent}, "0", "P0, None, Slave -1", {}),
    ]  # fmt: skip
    return [
        {
            "ISDETAIL": True,
            "SERIAL": serial,
            "TYPE": short,
            "STATE": "working",
            "STATEDESCR": "Working",
            "MODEL": model,
            "DESCR": f"{kind} {serial}",
            "DEVICE_TYPE": kind,
            **({"hw_version": extra["hw_version"]} if "hw_version" in extra else {}),
            "interface": interface,
            **{key: value for key, value in extra.items() if key != "hw_version"},
            "SWVER": version,
            "PORT": port,
            **values,
            "origin": "data_logger",
            "OPERATION": "noop",
            **({"PARENT": names["Energy Storage System"]} if "parent" in extra else {}),
            "CURTIME": now,
        }
        for kind, short, model, interface, extra, version, port, values in kinds
        for serial in (battery.modules if kind == "Battery" else (names[kind],))
    ]


def storage_serials(battery: BatteryReading) -> dict[str, str]:
    """Return the serial number of each device that a battery brings, by its kind.

    That of the whole is 12 characters, and 15 more for each module.
    """
    stem = battery.serial
    return {
        "PV Disconnect": f"SY{stem[:9]}",
        "Gateway": f"BC{stem[:10]}",
        "Storage Inverter": f"0000{stem[:8]}",
        "ESS BMS": f"BC{stem}0040",
        "Battery": battery.modules[0],
        "Energy Storage System": f"0000{stem[:8]}{''.join(battery.modules)}",
        "HUB+": f"SH{stem[2:11]}",
    }


def _mac(stem: str) -> str:
    tail = hexadecimal(8, stem, "gateway")
    return "02:5b:" + ":".join(tail[i : i + 2] for i in range(0, 8, 2))


def storage_report(reading: Reading) -> dict[str, Any]:
    """Return the answer of energy-storage-system/status; empty lists without a battery."""
    battery = reading.battery
    if battery is None:
        report: dict[str, Any] = {"battery_status": [], "ess_status": [], "inverter_status": []}
        return {"ess_report": report, "errors": []}
    names = storage_serials(battery)
    when = datetime.fromtimestamp(int(battery.measured_at), UTC)
    updated = {"last_updated": when.strftime("%Y-%m-%d %H:%M:%S")}
    volts = reading.consumption.leg_voltages_v
    amps = -battery.power_kw * 1000 / battery.voltage_v
    half = battery.power_kw / 2
    return {
        "ess_report": {
            **updated,
            "battery_status": [
                {
                    "serial_number": names["Battery"],
                    **updated,
                    "battery_amperage": _with_unit(amps, "A"),
                    "battery_voltage": _with_unit(battery.voltage_v, "V"),
                    "customer_state_of_charge": _with_unit(battery.charge_state * 100, "%"),
                    "system_state_of_charge": _with_unit(battery.charge_state * 100, "%"),
                    "temperature": _with_unit(battery.temperature_c, "C"),
                }
            ],
            "ess_status": [
                {
                    "serial_number": names["Energy Storage System"],
                    **updated,
                    "enclosure_humidity": _with_unit(24.0, "%"),
                    "enclosure_temperature": _with_unit(battery.temperature_c + 3, "C"),
                    "ess_meter_reading": {
                        **updated,
                        "agg_power": _with_unit(battery.power_kw, "kW"),
                        "meter_a": _leg(updated, half, volts[0]),
                        "meter_b": _leg(updated, half, volts[1]),
                    },
                }
            ],
            "hub_plus_status": {
                "serial_number": names["HUB+"],
                **updated,
                "contactor_error": "NONE",
                "contactor_position": "CLOSED",
                "grid_voltage_state": "METER_VOLTAGE_IN_RANGE",
                "grid_frequency_state": "METER_FREQ_IN_RANGE",
                "load_voltage_state": "METER_VOLTAGE_IN_RANGE",
                "load_frequency_state": "METER_FREQ_IN_RANGE",
                "hub_temperature": _with_unit(27.0, "C"),
                "hub_humidity": _with_unit(22.0, "%"),
                "jump_start_voltage": _with_unit(0.6, "V"),
                "aux_port_voltage": _with_unit(11.4, "V"),
                "main_voltage": _with_unit(sum(volts), "V"),
                "inverter_connection_voltage": _with_unit(sum(volts), "V"),
                "grid_phase1_voltage": _with_unit(volts[0], "V"),
                "grid_phase2_voltage": _with_unit(volts[1], "V"),
                "load_phase1_voltage": _with_unit(volts[0], "V"),
                "load_phase2_voltage": _with_unit(volts[1], "V"),
            },
            "inverter_status": [
                {
                    "serial_number": names["Storage Inverter"],
                    **updated,
                    "ac_current": _with_unit(abs(battery.power_kw) * 1000 / sum(volts), "A"),
                    "phase_a_current": _with_unit(abs(half) * 1000 / volts[0], "A"),
                    "phase_b_current": _with_unit(abs(half) * 1000 / volts[1], "A"),
                    "a_n_voltage": _with_unit(volts[0], "V"),
                    "b_n_voltage": _with_unit(volts[1], "V"),
                    "ac_power": _with_unit(battery.power_kw, "kW"),
                    "temperature": _with_unit(battery.temperature_c + 4, "C"),
                }
            ],
            "ess_state": [
                {
                    "storage_controller_status": "RUNNING",
                    "operational_mode": "SELF_CONSUMPTION",
                    "permission_to_operate": True,
                }
            ],
        },
        "errors": [],
    }


def _leg(updated: dict[str, str], power: float, volts: float) -> dict[str, Any]:
    return {
        "reading": {
            **updated,
            "current": _with_unit(power * 1000 / volts, "A"),
            "power": _with_unit(power, "kW"),
            "voltage": _with_unit(volts, "V"),
        }
    }


def _with_unit(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value, 3), "unit": unit}
