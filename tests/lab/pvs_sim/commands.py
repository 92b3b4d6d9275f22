"""The old API's table of commands: what each answers, and which of them write."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .devices import Moment, device_list, storage_report
from .firmware import Firmware
from .profiles import PROFILES, find_profile
from .query import value_of
from .spread import hexadecimal
from .state import State

Parameters = list[tuple[str, str]]
Answer = dict[str, Any]
SUCCEED = {"result": "succeed"}


@dataclass(frozen=True)
class Call:
    """A command to answer.

    Attributes:
        moment: Makes the readings when asked, for a device list costs more than the rest.
        now: Real monotonic seconds, for the progress of discovery.
        discovery_seconds: How long discovery takes.
        empty_info: The PVS describes itself with nothing.
    """

    state: State
    firmware: Firmware
    parameters: Parameters
    moment: Callable[[], Moment]
    now: float
    discovery_seconds: float
    empty_info: bool

    def given(self, *names: str) -> str:
        """Return the first of these parameters (named in lower case) that has a value."""
        return next(filter(None, (value_of(self.parameters, name) for name in names)), "")


@dataclass(frozen=True)
class Command:
    """One command. `slow`: takes the time of a device list; `writes`: an installer's action."""

    answer: Callable[[Call], Answer]
    slow: bool = False
    writes: bool = False


def _device_list(call: Call) -> Answer:
    moment = call.moment()
    devices = device_list(moment)
    if call.firmware.locked:
        # A session still reads the list, without the parts of a battery.
        devices = devices[: 3 + len(moment.reading.panels)]
    return {"devices": devices, **SUCCEED}


def _network_interfaces(call: Call) -> Answer:
    return {"interfaces": _get_comm(call)["networkstatus"]["interfaces"], **SUCCEED}


def _power_production(_call: Call) -> Answer:
    return {"powerProduction": True, **SUCCEED}


def supervisor_information(state: State, firmware: Firmware) -> Answer:
    """Return what Start, GetSupervisorInformation and supervisor/info say about the PVS."""
    build = {"BUILD": firmware.build} if state.model == "PVS6" else {}
    return {
        **SUCCEED,
        "supervisor": {
            "SWVER": firmware.version,
            "SERIAL": state.serial,
            "MODEL": state.model,
            **build,
            "FWVER": "1.0.0",
            "SCVER": 16504,
            "EASICVER": 131329,
            "SCBUILD": 1190,
            "WNSERIAL": 16,
            "WNMODEL": 400,
            "WNVER": 3000,
        },
    }


def _supervisor(call: Call) -> Answer:
    if call.empty_info:
        return {**SUCCEED, "supervisor": {}}
    return supervisor_information(call.state, call.firmware)


def _start(call: Call) -> Answer:
    call.state.session_open = True
    return _supervisor(call)


def _stop(call: Call) -> Answer:
    call.state.session_open = False
    return dict(SUCCEED)


def _get_comm(call: Call) -> Answer:
    down = {"internet": "down", "ipaddr": "", "link": "disconnected"}
    return {
        **SUCCEED,
        "networkstatus": {
            "interfaces": [
                {"interface": "wan", **down, "mode": "wan", "sms": "unreachable", "state": "down"},
                {
                    "interface": "plc",
                    **down,
                    "pairing": "unpaired",
                    "sms": "unreachable",
                    "speed": 0,
                    "state": "down",
                },
                {
                    "interface": "sta0",
                    "internet": "up",
                    "ipaddr": "192.168.77.23",
                    "signal": "-57",
                    "sms": "reachable",
                    "ssid": call.state.access_point,
                    "status": "connected",
                },
                {
                    "interface": "cell",
                    "internet": "down",
                    "ipaddr": "",
                    "is_alwayson": False,
                    "is_primary": False,
                    "link": "connected",
                    "modem": "MODEM_OK",
                    "provider": "UNKNOWN",
                    "signal": 0,
                    "sim": "SIM_READY",
                    "sms": "unreachable",
                    "state": "DOWN",
                    "status": "NOT_REGISTERED",
                },
            ],
            "system": {"interface": "sta0", "internet": "up", "sms": "reachable"},
            "ts": str(int(call.moment().reading.at)),
        },
    }


def _grid_profile_get(call: Call) -> Answer:
    profile = call.state.profile
    return {
        **SUCCEED,
        "active_name": profile.name,
        "active_id": profile.identity,
        "pending_name": profile.name,
        "pending_id": profile.identity,
        "percent": 100,
        "supported_by": "ALL",
        "status": "success",
    }


def _grid_profile_list(call: Call) -> Answer:
    return {
        **SUCCEED,
        "success": True,
        "creation": call.state.profiles_created,
        "profiles": [profile.describe() for profile in PROFILES],
    }


def _grid_profile_refresh(call: Call) -> Answer:
    call.state.profiles_created = int(call.moment().reading.at)
    return _grid_profile_list(call)


def _grid_profile_set(call: Call) -> Answer:
    profile = find_profile(call.given("id", "name", "profile", "gridprofile"))
    if profile is None:
        return {"result": "failed", "success": False}
    call.state.profile = profile
    return {**SUCCEED, "success": True}


def _get_cell_purchased(call: Call) -> Answer:
    return {"cell_purchased": call.state.cell_purchased}


def _set_cell_purchased(call: Call) -> Answer:
    call.state.cell_purchased = call.given("cellpurchased", "purchased", "value") or "true"
    return {"cell_purchased": call.state.cell_purchased, **SUCCEED}


def _get_discovery_progress(call: Call) -> Answer:
    percent = call.state.discovered(call.now, call.discovery_seconds)
    found = 0
    if call.state.discovery_started is not None:
        found = len(call.moment().reading.panels) * percent // 100
    return {
        "progress": [{"TYPE": "MicroInverters", "PROGR": str(percent), "NFOUND": str(found)}],
        "complete": percent == 100,
        **SUCCEED,
    }


def _start_discovery(call: Call) -> Answer:
    call.state.discovery_started = call.now
    call.state.site_type = call.given("sitetype", "type") or call.state.site_type
    return dict(SUCCEED)


def _check_firmware(call: Call) -> Answer:
    return {"url": call.state.upgrade_url}


def _start_upgrade(call: Call) -> Answer:
    call.state.upgrade_url = call.given("url") or "http://firmware.invalid/upgrade.lua"
    return dict(SUCCEED)


def _unknown(_call: Call) -> Answer:
    return {"result": "unknown command"}


def _export_limit_get(call: Call) -> Answer:
    watts = call.state.export_limit_watts
    return {
        **SUCCEED,
        "enabled": watts is not None,
        "limit_w": "-1" if watts is None else f"{watts:g}",
    }


def _export_limit_set(call: Call) -> Answer:
    watts = _number(call.given("limit", "value", "watts"))
    call.state.export_limit_watts = 0.0 if watts is None else watts
    return dict(SUCCEED)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _set_meter_ct(call: Call) -> Answer:
    kind = "p" if call.given("meter", "serialnumber").lower().endswith("p") else "c"
    amps = _number(call.given("ct", "value", "scale"))
    call.state.ct_amps[kind] = 200 if amps is None else int(amps)
    return dict(SUCCEED)


def _change_serial_number(call: Call) -> Answer:
    current = call.state.serial
    wanted = call.given("newserialnumber", "newserial", "serialnumber", "serial")
    fallback = f"{current[:-4]}{hexadecimal(4, current, 'changed').upper()}"
    call.state.serial = wanted if len(wanted) >= 5 and wanted != current else fallback
    return dict(SUCCEED)


def _get_ap_list(call: Call) -> Answer:
    names = (call.state.access_point, "Hilltop Guest", "Printer-Setup")
    return {
        **SUCCEED,
        "aps": [
            {
                "attributes": "wpa-psk",
                "bssid": f"02:5c:00:00:00:{index:02x}",
                "channel": str(1 + 5 * index),
                "frequency": str(2412 + 25 * index),
                "rssi": str(-57 - 9 * index),
                "ssid": name,
            }
            for index, name in enumerate(names)
        ],
    }


def _set_ap(call: Call) -> Answer:
    call.state.access_point = call.given("ssid", "ap") or "Unnamed"
    return dict(SUCCEED)


COMMANDS: dict[str, Command] = {
    "DeviceList": Command(_device_list, slow=True),
    "Get_Comm": Command(_get_comm),
    "GridProfile": Command(_grid_profile_get),
    "GridProfileGet": Command(_grid_profile_get),
    "GridProfileList": Command(_grid_profile_list),
    "GridProfileRefresh": Command(_grid_profile_refresh),
    "GetCellPurchased": Command(_get_cell_purchased),
    "GetDiscoveryProgress": Command(_get_discovery_progress),
    "GetSupervisorInformation": Command(_supervisor),
    "CheckFW": Command(_check_firmware),
    "DeviceDetails": Command(_unknown),
    "ExportLimitGet": Command(_export_limit_get),
    "Get_AP_List": Command(_get_ap_list),
    "Start": Command(_start),
    "Stop": Command(_stop),
    "SetCellPurchased": Command(_set_cell_purchased, writes=True),
    "StartDiscovery": Command(_start_discovery, writes=True),
    "GridProfileSet": Command(_grid_profile_set, writes=True),
    "SetMeterCt": Command(_set_meter_ct, writes=True),
    "ExportLimitSet": Command(_export_limit_set, writes=True),
    "ChangeSerialNumber": Command(_change_serial_number, writes=True),
    "SetAP": Command(_set_ap, writes=True),
    "StartFWUpgrade": Command(_start_upgrade, writes=True),
}
"""Every command that the old API knows, by its exact name."""


def _storage(call: Call) -> Answer:
    return storage_report(call.moment().reading)


REST: dict[str, Command] = {
    "/supervisor/info": Command(_supervisor),
    "/energy-storage-system/status": Command(_storage),
    "/devices/list": Command(_device_list, slow=True),
    "/communication/interfaces": Command(_get_comm),
    "/network/interfaces": Command(_network_interfaces),
    "/network/powerProduction": Command(_power_production),
}
"""Every REST path below /cgi-bin/dl_cgi."""

SESSION_PATHS = ("devices/list", "network/interfaces", "network/powerProduction")
"""REST paths that locked firmware answers to a session."""

POSTED_DEVICES = replace(REST["/devices/list"], writes=True)
"""A device list that is sent, not read: the PVS is busy for a while afterwards."""

NO_COMMAND = Command(lambda _call: {"result": "no command"})
UNKNOWN_COMMAND = Command(_unknown)
