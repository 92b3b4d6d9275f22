"""The old API: every command, every REST path, in shape and in content."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pvs_sim.client import Answer, Control, fetch
from pvs_sim.commands import COMMANDS

if TYPE_CHECKING:
    from pvs_sim import Simulator

Boot = Callable[..., "Simulator"]
Ask = Callable[..., Answer]


def keys(text: str) -> list[str]:
    return text.split()


PVS_KEYS = keys(
    "DETAIL STATE STATEDESCR SERIAL MODEL HWVER SWVER DEVICE_TYPE DATATIME dl_err_count "
    "dl_comm_err dl_skipped_scans dl_scan_time dl_untransmitted dl_uptime dl_cpu_load "
    "dl_mem_used dl_flash_avail panid CURTIME"
)
PRODUCTION_KEYS = keys(
    "ISDETAIL SERIAL TYPE STATE STATEDESCR MODEL DESCR DEVICE_TYPE interface "
    "production_subtype_enum subtype SWVER PORT DATATIME ct_scl_fctr net_ltea_3phsum_kwh "
    "p_3phsum_kw q_3phsum_kvar s_3phsum_kva tot_pf_rto freq_hz i_a v12_v CAL0 origin "
    "OPERATION CURTIME"
)
CONSUMPTION_KEYS = keys(
    "ISDETAIL SERIAL TYPE STATE STATEDESCR MODEL DESCR DEVICE_TYPE interface "
    "consumption_subtype_enum subtype SWVER PORT DATATIME ct_scl_fctr net_ltea_3phsum_kwh "
    "p_3phsum_kw q_3phsum_kvar s_3phsum_kva tot_pf_rto freq_hz i1_a i2_a v1n_v v2n_v v12_v "
    "p1_kw p2_kw neg_ltea_3phsum_kwh pos_ltea_3phsum_kwh CAL0 origin OPERATION CURTIME"
)
INVERTER_HEAD = keys(
    "ISDETAIL SERIAL TYPE STATE STATEDESCR MODEL DESCR DEVICE_TYPE hw_version interface "
    "module_serial PANEL slave SWVER PORT MOD_SN NMPLT_SKU"
)
MEASUREMENTS = keys(
    "DATATIME ltea_3phsum_kwh p_3phsum_kw vln_3phavg_v i_3phsum_a p_mppt1_kw v_mppt1_v "
    "i_mppt1_a t_htsnk_degc freq_hz stat_ind"
)
TAIL = ["origin", "OPERATION", "CURTIME"]
SUPERVISOR_KEYS = keys(
    "SWVER SERIAL MODEL BUILD FWVER SCVER EASICVER SCBUILD WNSERIAL WNMODEL WNVER"
)
STORAGE_TYPES = [
    "PV Disconnect",
    "Gateway",
    "Storage Inverter",
    "ESS BMS",
    "Battery",
    "Energy Storage System",
    "HUB+",
]
STAMP = re.compile(r"\d{4},\d\d,\d\d,\d\d,\d\d,\d\d")
NUMBER = re.compile(r"-?\d+(\.\d*[1-9])?")


def devices(ask: Ask, sim: Simulator) -> list[dict[str, Any]]:
    answer = ask(sim, "DeviceList").json()
    assert list(answer) == ["devices", "result"]
    assert answer["result"] == "succeed"
    listed: list[dict[str, Any]] = answer["devices"]
    return listed


def test_the_device_list_has_supervisor_meters_and_panels_key_for_key(boot: Boot, ask: Ask) -> None:
    pvs, production, consumption, *panels = devices(ask, boot(panels=24))
    assert list(pvs) == PVS_KEYS
    assert list(production) == PRODUCTION_KEYS
    assert list(consumption) == CONSUMPTION_KEYS
    assert len(panels) == 24
    assert all(list(panel) == INVERTER_HEAD + MEASUREMENTS + TAIL for panel in panels)


def test_numbers_in_the_device_list_are_strings_but_for_a_few(boot: Boot, ask: Ask) -> None:
    for device in devices(ask, boot(panels=3)):
        for key, value in device.items():
            wanted: type = {"panid": int, "slave": int, "ISDETAIL": bool}.get(key, str)
            assert isinstance(value, wanted), key
            assert (key == "ISDETAIL") == isinstance(value, bool)
            if key in {"DATATIME", "CURTIME"}:
                assert STAMP.fullmatch(str(value))
            elif key.startswith("dl_") or key.endswith(("_kw", "_kwh", "_v", "_a", "_hz", "_degc")):
                assert NUMBER.fullmatch(str(value)), (key, value)


def test_the_device_list_tells_the_plant_as_it_is(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=4)
    truth = Control(sim.control_url).get("plant")["reading"]
    pvs, production, consumption, *panels = devices(ask, sim)
    assert pvs["DEVICE_TYPE"] == "PVS"
    assert pvs["CURTIME"] == pvs["DATATIME"] == "2025,01,15,20,00,00"
    assert (production["TYPE"], consumption["TYPE"]) == ("PVS5-METER-P", "PVS5-METER-C")
    assert float(production["p_3phsum_kw"]) == pytest.approx(
        truth["production"]["power_kw"], abs=1e-4
    )
    assert float(consumption["net_ltea_3phsum_kwh"]) == pytest.approx(
        truth["consumption"]["net_kwh"], abs=1e-4
    )
    assert [p["SERIAL"] for p in panels] == [p["serial"] for p in truth["panels"]]
    assert [float(p["ltea_3phsum_kwh"]) for p in panels] == pytest.approx(
        [p["energy_kwh"] for p in truth["panels"]], abs=1e-4
    )
    assert {p["STATE"] for p in panels} == {"working"}


def test_at_night_inverters_are_in_error_without_their_measurements(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=3, clock=1_736_928_000.0)  # 2025-01-15T08:00:00Z, midnight there
    _, production, _, *panels = devices(ask, sim)
    assert all(list(panel) == INVERTER_HEAD + TAIL for panel in panels)
    assert {(p["STATE"], p["STATEDESCR"]) for p in panels} == {("error", "Error")}
    assert production["p_3phsum_kw"] == "0"
    assert production["STATE"] == "working"


def test_just_after_dusk_inverters_still_show_their_last_measurement(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=2)
    control = Control(sim.control_url)
    control.post("clock", now="2025-01-16T00:00:00Z")
    while devices(ask, sim)[3]["STATE"] == "working":
        control.post("clock", advance_seconds=300)
    panel = devices(ask, sim)[3]
    assert list(panel) == INVERTER_HEAD + MEASUREMENTS + TAIL
    assert panel["p_3phsum_kw"] == "0"
    assert panel["DATATIME"] < panel["CURTIME"]


def test_a_battery_brings_its_devices(boot: Boot, ask: Ask) -> None:
    listed = devices(ask, boot(panels=1, battery=True))
    assert [device["DEVICE_TYPE"] for device in listed[4:]] == STORAGE_TYPES
    assert len({device["SERIAL"] for device in listed}) == len(listed)
    for device in listed[4:]:
        assert list(device)[:3] == ["ISDETAIL", "SERIAL", "TYPE"]
        assert list(device)[-1] == "CURTIME"


def test_storage_status_speaks_of_the_devices_in_the_list(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1, battery=True)
    url = f"{sim.http_url}/cgi-bin/dl_cgi/energy-storage-system/status"
    report = fetch(url).json()["ess_report"]
    serials = {device["DEVICE_TYPE"]: device["SERIAL"] for device in devices(ask, sim)}
    (battery,) = report["battery_status"]
    (system,) = report["ess_status"]
    assert battery["serial_number"] == serials["Battery"]
    assert system["serial_number"] == serials["Energy Storage System"]
    assert report["hub_plus_status"]["serial_number"] == serials["HUB+"]
    assert report["inverter_status"][0]["serial_number"] == serials["Storage Inverter"]
    truth = Control(sim.control_url).get("plant")["reading"]["battery"]
    assert battery["customer_state_of_charge"]["value"] == pytest.approx(
        truth["charge_state"] * 100, abs=0.001
    )
    assert system["ess_meter_reading"]["agg_power"] == {
        "value": pytest.approx(truth["power_kw"], abs=0.001),
        "unit": "kW",
    }


def test_without_a_battery_the_storage_status_is_empty(boot: Boot) -> None:
    sim = boot(panels=1)
    answer = fetch(f"{sim.http_url}/cgi-bin/dl_cgi/energy-storage-system/status").json()
    assert answer["ess_report"]["battery_status"] == []


@pytest.mark.parametrize("command", ["Start", "GetSupervisorInformation"])
def test_the_supervisor_introduces_itself(boot: Boot, ask: Ask, command: str) -> None:
    answer = ask(boot(firmware=61640), command).json()
    assert list(answer) == ["result", "supervisor"]
    assert list(answer["supervisor"]) == SUPERVISOR_KEYS
    assert answer["supervisor"]["BUILD"] == 61640
    assert answer["supervisor"]["SWVER"] == "2024.2, Build 61640"


def test_a_pvs5_does_not_tell_its_build(boot: Boot) -> None:
    sim = boot(model="PVS5")
    info = fetch(f"{sim.http_url}/cgi-bin/dl_cgi/supervisor/info").json()["supervisor"]
    assert list(info) == [key for key in SUPERVISOR_KEYS if key != "BUILD"]
    assert info["MODEL"] == "PVS5"


def test_start_and_stop_open_and_close_a_session_and_write_nothing(boot: Boot, ask: Ask) -> None:
    sim = boot()
    ask(sim, "Start")
    assert sim.call(lambda box: box.state.session_open)
    assert ask(sim, "Stop").json() == {"result": "succeed"}
    assert not sim.call(lambda box: box.state.session_open)
    assert sim.stats()["writes"]["count"] == 0


def test_get_comm_describes_the_interfaces(boot: Boot, ask: Ask) -> None:
    answer = ask(boot(), "Get_Comm", SerialNumber="any").json()
    assert list(answer) == ["result", "networkstatus"]
    status = answer["networkstatus"]
    assert list(status) == ["interfaces", "system", "ts"]
    assert status["ts"] == "1736971200"
    shapes = [list(interface) for interface in status["interfaces"]]
    assert shapes == [
        ["interface", "internet", "ipaddr", "link", "mode", "sms", "state"],
        ["interface", "internet", "ipaddr", "link", "pairing", "sms", "speed", "state"],
        ["interface", "internet", "ipaddr", "signal", "sms", "ssid", "status"],
        keys(
            "interface internet ipaddr is_alwayson is_primary link modem provider signal sim sms "
            "state status"
        ),
    ]
    assert [i["interface"] for i in status["interfaces"]] == ["wan", "plc", "sta0", "cell"]
    assert status["interfaces"][1]["speed"] == 0
    assert status["interfaces"][3]["is_primary"] is False


@pytest.mark.parametrize("command", ["GridProfileGet", "GridProfile"])
def test_the_grid_profile_is_told_with_name_and_id(boot: Boot, ask: Ask, command: str) -> None:
    answer = ask(boot(), command).json()
    assert list(answer) == keys(
        "result active_name active_id pending_name pending_id percent supported_by status"
    )
    assert answer["percent"] == 100
    assert re.fullmatch(r"[0-9a-f]{40}", answer["active_id"])


def test_the_list_of_grid_profiles_is_long_and_refreshing_dates_it(boot: Boot, ask: Ask) -> None:
    sim = boot()
    listed = ask(sim, "GridProfileList")
    assert len(listed.body) > 4000
    assert list(listed.json()) == ["result", "success", "creation", "profiles"]
    profile = listed.json()["profiles"][0]
    assert list(profile) == ["selfsupply", "zipcodes", "default", "filename", "id", "name"]
    refreshed = ask(sim, "GridProfileRefresh").json()
    assert refreshed["creation"] == 1_736_971_200
    assert refreshed["profiles"] == listed.json()["profiles"]
    assert ask(sim, "GridProfileList").json()["creation"] == 1_736_971_200


@pytest.mark.parametrize(
    ("command", "more", "answer"),
    [
        ("GetCellPurchased", {}, {"cell_purchased": "null"}),
        ("CheckFW", {"type": "residential"}, {"url": "none"}),
        ("DeviceDetails", {"SerialNumber": "any"}, {"result": "unknown command"}),
        (
            "GetDiscoveryProgress",
            {},
            {
                "progress": [{"TYPE": "MicroInverters", "PROGR": "100", "NFOUND": "0"}],
                "complete": True,
                "result": "succeed",
            },
        ),
        ("ExportLimitGet", {}, {"result": "succeed", "enabled": False, "limit_w": "-1"}),
        ("NoSuchThing", {}, {"result": "unknown command"}),
        ("devicelist", {}, {"result": "unknown command"}),
    ],
)
def test_small_commands_answer_as_known(
    boot: Boot, ask: Ask, command: str, more: dict[str, str], answer: dict[str, Any]
) -> None:
    assert ask(boot(), command, **more).json() == answer


def test_the_access_points_in_reach_are_listed(boot: Boot, ask: Ask) -> None:
    answer = ask(boot(), "Get_AP_List").json()
    assert list(answer["aps"][0]) == ["attributes", "bssid", "channel", "frequency", "rssi", "ssid"]


def test_no_command_is_told_so(boot: Boot) -> None:
    sim = boot()
    assert fetch(f"{sim.http_url}/cgi-bin/dl_cgi").json() == {"result": "no command"}
    assert sim.stats()["by_command"] == {"(none)": 1}


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("supervisor/info", "GetSupervisorInformation"),
        ("devices/list", "DeviceList"),
        ("communication/interfaces", "Get_Comm"),
    ],
)
def test_rest_paths_answer_like_their_commands(
    boot: Boot, ask: Ask, path: str, command: str
) -> None:
    sim = boot(panels=2)
    by_path = fetch(f"{sim.http_url}/cgi-bin/dl_cgi/{path}").json()
    assert list(by_path) == list(ask(sim, command).json())
    assert sim.stats()["by_command"] == {path: 1, command: 1}


def test_the_answer_has_the_headers_of_the_real_one(boot: Boot, ask: Ask) -> None:
    answer = ask(boot(firmware=41001), "GetCellPurchased")
    assert [name for name, _ in answer.headers] == [
        "Content-Type",
        "Access-Control-Allow-Methods",
        "Pragma",
        "dlcgi-build-time",
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Headers",
        "Cache-Control",
        "Content-Length",
        "Date",
        "Server",
    ]
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Access-Control-Allow-Methods") == "GET,POST,DELETE,PUT"
    assert answer.header("Access-Control-Allow-Origin") == "*"
    assert answer.header("Pragma") == "no-cache"
    assert answer.header("Cache-Control") == (
        "no-cache, no-store, no-cache, must-revalidate, post-check=0, pre-check=0"
    )
    assert answer.header("Server") == "lighttpd/1.4.51"


@pytest.mark.parametrize("options", [{"firmware": 4150}, {"model": "PVS5"}])
def test_older_boxes_have_an_older_server(boot: Boot, ask: Ask, options: dict[str, Any]) -> None:
    assert ask(boot(**options), "GetCellPurchased").header("Server") == "lighttpd/1.4.35"


def test_every_reading_command_answers_200_and_writes_nothing(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1)
    reading = [name for name, command in COMMANDS.items() if not command.writes]
    assert len(reading) == 15
    for name in reading:
        answer = ask(sim, name)
        assert answer.status == 200
        assert isinstance(answer.json(), dict)
    stats = sim.stats()
    assert stats["by_command"] == dict.fromkeys(reading, 1)
    assert stats["writes"]["count"] == 0
