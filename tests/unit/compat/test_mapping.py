"""Each row of the mapping is checked, with samples and with generated plants."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.compat.conftest import Boot
from unit.compat.document import documented

from pvs_bridge.compat import values
from pvs_bridge.compat.battery import storage_report
from pvs_bridge.compat.devices import (
    KEPT_SECONDS,
    WORKING_SECONDS,
    Beside,
    device_list,
    listed_keys,
)
from pvs_bridge.compat.mapping import (
    BATTERY,
    COMPUTED,
    CURRENT,
    FIXED,
    INVERTER,
    KINDS,
    LISTED,
    METERS,
    NUMBER,
    PVS,
    STORAGE_INVERTER,
    STORAGE_ROWS,
    SWITCH_ROWS,
    TEXT,
    TIME,
    UPTIME,
    WHOLE,
    Kind,
    Row,
    StorageRow,
)
from pvs_bridge.compat.network_status import network_status
from pvs_bridge.pvs.variables import Plant, read_variables, sort_plant
from pvs_sim.commands import COMMANDS, Call
from pvs_sim.devices import device_list as old_device_list
from pvs_sim.devices import storage_report as old_storage_report
from pvs_sim.varserver import variables

NOW = 1_750_000_000
MEASURED = "2025-06-15T15:05:00Z"
LARGEST = 100_000.0

# A SunVault's inverter and modules have no variables of their own.
OF_VARIABLES = [kind for kind in KINDS if kind not in (STORAGE_INVERTER, BATTERY)]
ROWS = [(kind, row) for kind in OF_VARIABLES for row in kind.rows if row.variable]
UNTOLD = [(kind, row) for kind in OF_VARIABLES for row in kind.rows if row.form == LISTED]
often = settings(max_examples=80, deadline=None)


def name_of(case: Any) -> str:  # noqa: ANN401 - any parameter of pytest
    """Return the id of a test case."""
    if isinstance(case, Kind):
        return case.name
    return case.key if isinstance(case, (Row, StorageRow)) else str(case)


def place(kind: Kind) -> str:
    """Return the folder of a kind's variables."""
    return f"/sys/devices/{kind.variables}/0/" if kind.variables else "/sys/info/"


def plant(told: dict[str, str], **beside: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any field
    """Return the devices made from variables."""
    return device_list(sort_plant({"/sys/livedata/time": str(NOW), **told}), Beside(**beside))


def one(kind: Kind, told_by_list: dict[str, Any] | None = None, **leaves: Any) -> dict[str, Any]:  # noqa: ANN401 - any variable
    """Return one device of a kind with these variables, measured now."""
    serial = "ZT1" if kind is PVS else f"SN1{kind.endings[:1]}"
    own = {"sn": serial, "msmtEps": MEASURED} if kind is not PVS else {"serialnum": serial}
    told = {place(kind) + leaf: value for leaf, value in {**own, **leaves}.items()}
    devices = plant(told, listed={serial: told_by_list or {}})
    return devices[0] if kind is PVS else devices[1]


SAMPLES = {
    TEXT: ("AC_Module_Type_E", "AC_Module_Type_E"),
    TIME: ("2025-06-15T15:00:00Z", "2025,06,15,15,00,00"),
    WHOLE: ("38", "38"),
    UPTIME: ("31371.70", "31371"),
}


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=name_of)
def test_each_row_writes_its_variable_to_its_key(kind: Kind, row: Row) -> None:
    given_value, written = SAMPLES.get(row.form, ("12.345678", ""))
    if row.form not in SAMPLES:
        written = str(round(Decimal(given_value), row.places).normalize())
    if row.form == CURRENT:
        given_value, written = "0.4492", "1.8456"
    if row.variable in {"sn", "serialnum"}:
        given_value = written = f"SN2{kind.endings[:1]}"
    also = {"v12V": "243.3916"} if row.form == CURRENT else {}
    leaves: dict[str, Any] = {row.variable: given_value, **also}
    assert one(kind, **leaves)[row.key] == written


NO_TEXTS = ["", "\x1b[2J", "\u0663", "x" * 257]
NO_NUMBERS = [*NO_TEXTS, "nan", "inf", "-nan", "1,5", "0x10", "1_0", "1e13"]
# Devices are known by their serial numbers.
NOTHINGS = [
    (kind, row, nothing)
    for kind, row in ROWS
    for nothing in (NO_TEXTS if row.form == TEXT else NO_NUMBERS)
    if row.variable not in {"sn", "serialnum"}
]


@pytest.mark.parametrize(("kind", "row", "nothing"), NOTHINGS, ids=name_of)
def test_an_invalid_text_is_unknown_and_an_invalid_number_left_out(
    kind: Kind, row: Row, nothing: str
) -> None:
    leaves: dict[str, Any] = {row.variable: nothing}
    shown = one(kind, **leaves)
    if row.form == TEXT:
        assert shown[row.key] == row.unknown == ""
    else:
        assert row.unknown is None
        assert row.key not in shown


@pytest.mark.parametrize(("kind", "row"), UNTOLD, ids=name_of)
def test_a_key_without_a_variable_is_unknown_until_devices_list_has_it(
    kind: Kind, row: Row
) -> None:
    if row.unknown is None:
        assert (row.key, row.key in one(kind)) == ("dl_flash_avail", False)
    else:
        assert one(kind)[row.key] == row.unknown
    assert one(kind, {row.key: "4.40.1"})[row.key] == "4.40.1"


# Against the old API of the simulated PVS

# Keys that locked firmware has no source for, and why.
LEFT_OUT = {"dl_flash_avail": "0 would report a full flash"}
# The old API lists these parts of a SunVault, which have no variables.
NO_VARIABLES = {"PV Disconnect", "Gateway", "ESS BMS"}


def both(boot: Boot, **chosen: Any) -> tuple[list[dict[str, Any]], Plant]:  # noqa: ANN401
    """Return the devices of the old API, and the variables of the new one, at the same time."""
    sim = boot(**chosen)
    old: list[dict[str, Any]] = sim.call(lambda box: old_device_list(box._moment()))
    told: dict[str, str] = sim.call(lambda box: variables(box._view()))
    return old, sort_plant(told)


@pytest.mark.parametrize("model", ["PVS6", "PVS5"])
def test_every_key_of_the_old_api_is_there(boot: Boot, model: str) -> None:
    build = {"PVS6": 61846, "PVS5": 5412}[model]
    old, told = both(boot, model=model, firmware=build, battery=True, battery_modules=4, panels=3)
    new = {(each["DEVICE_TYPE"], each["SERIAL"]): each for each in device_list(told, Beside())}
    for device in old:
        kind, serial = device["DEVICE_TYPE"], device["SERIAL"]
        if kind in NO_VARIABLES:
            continue
        # One battery entry is one module here.
        shown = new.get((kind, serial)) or next(v for k, v in new.items() if k[0] == kind)
        assert device.keys() - shown.keys() - LEFT_OUT.keys() == set(), kind
        for key, value in shown.items():
            if key in device:
                assert type(value) is type(device[key]), (kind, key)


def test_devices_list_completes_the_keys_without_a_variable(boot: Boot) -> None:
    old, told = both(boot, firmware=61846, panels=2)
    new = device_list(told, Beside(listed=listed_keys(old)))
    assert len(new) == len(old)
    for before, after in zip(old, new, strict=True):
        for kind in KINDS:
            if kind.device_type == before["DEVICE_TYPE"]:
                keys = {row.key for row in kind.rows if row.form == LISTED} & before.keys()
                assert {key: after[key] for key in keys} == {key: before[key] for key in keys}
        # What is measured or made is never taken from a list of yesterday.
        assert (
            listed_keys([before])[before["SERIAL"]]
            .keys()
            .isdisjoint({"STATE", "DATATIME", "CURTIME", "p_3phsum_kw", "dl_uptime"})
        )


def test_a_hostile_devices_list_completes_nothing() -> None:
    entries: list[dict[str, Any]] = [
        {"DEVICE_TYPE": "Inverter", "SERIAL": "", "SWVER": "1"},
        {"DEVICE_TYPE": ["Inverter"], "SERIAL": "E1", "SWVER": "1"},
        {"DEVICE_TYPE": "Inverter", "SERIAL": "E2", "SWVER": "\x1b[2J", "PANEL": {}, "slave": True},
        {"DEVICE_TYPE": "Inverter", "SERIAL": "E3", "STATE": "working", "p_3phsum_kw": "9"},
    ]
    assert listed_keys(entries) == {"E2": {}, "E3": {}}


def shape(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the keys of a JSON value, of its objects and of the first element of its lists."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


@pytest.mark.parametrize("modules", [1, 4])
def test_every_key_of_the_battery_s_report_is_there(boot: Boot, modules: int) -> None:
    sim = boot(battery=True, battery_modules=modules)
    old = sim.call(lambda box: old_storage_report(box.reading()))
    new = storage_report(sort_plant(sim.call(lambda box: variables(box._view()))))
    assert shape(new) == shape(old)
    for name in ("battery_status", "ess_status", "inverter_status"):
        assert len(new["ess_report"][name]) == 1, name
    serial = new["ess_report"]["ess_status"][0]["serial_number"]
    assert len(serial) == 12 + 15 * modules
    assert serial.startswith(
        new["ess_report"]["inverter_status"][0]["serial_number"]
        + new["ess_report"]["battery_status"][0]["serial_number"]
    )


@pytest.mark.parametrize(("model", "build"), [("PVS6", 61846), ("PVS5", 5412)])
def test_every_key_of_the_network_status_is_there(boot: Boot, model: str, build: int) -> None:
    sim = boot(model=model, firmware=build)
    call: Call = sim.call(
        lambda box: Call(
            state=box.state, firmware=box.firmware, parameters=[], moment=box._moment,
            now=0.0, discovery_seconds=1.0, empty_info=False,
        )
    )  # fmt: skip
    old = sim.call(lambda _box: COMMANDS["Get_Comm"].answer(call))["networkstatus"]
    told = sim.call(lambda box: variables(box._view()))
    new = network_status(sort_plant(told), told)
    assert [each.keys() for each in new["interfaces"]] == [e.keys() for e in old["interfaces"]]
    for before, after in zip(old["interfaces"], new["interfaces"], strict=True):
        assert {k: type(v) for k, v in after.items()} == {k: type(v) for k, v in before.items()}
        assert (after["interface"], after["internet"]) == (before["interface"], before["internet"])
    assert new["system"].keys() == old["system"].keys()
    assert (new["system"]["interface"], new["system"]["internet"]) == ("sta0", "up")


@pytest.mark.parametrize(
    ("state", "name"),
    [("/net/wan/state", "wan"), ("/net/wan0/state", "wan"), ("/net/wan1/state", "wan"),
     ("/net/plc/state", "plc"), ("/net/cell/state", "cell"), ("/net/wwan0/state", "cell"),
     ("/net/sta0/state", "sta0")],
)  # fmt: skip
def test_each_model_s_name_of_an_interface_is_known(state: str, name: str) -> None:
    active = state.split("/")[2]
    told = sort_plant({"/sys/info/active_interface": active})
    new = network_status(told, {state: "online"})
    up = [each["interface"] for each in new["interfaces"] if each["internet"] == "up"]
    assert up == [name]
    assert (new["system"]["interface"], new["system"]["internet"]) == (name, "up")
    silent = network_status(sort_plant({}), {})
    assert {each["internet"] for each in silent["interfaces"]} == {"down"}
    assert silent["system"] == {"interface": "", "internet": "down", "sms": "unreachable"}


@pytest.mark.parametrize(
    ("device", "row"),
    [("ess", row) for row in STORAGE_ROWS] + [("transfer_switch", row) for row in SWITCH_ROWS],
    ids=name_of,
)
def test_each_row_of_the_battery_s_report_is_in_its_place(device: str, row: StorageRow) -> None:
    written = "0.5" if row.unit else "CLOSED"
    told = {
        f"/sys/devices/{device}/0/msmtEps": MEASURED,
        "/sys/livedata/time": str(NOW),
    }
    if row.variable:
        told[f"/sys/devices/{device}/0/{row.variable}"] = written

    def shown() -> Any:  # noqa: ANN401 - a text or an object
        part: Any = storage_report(sort_plant(told))["ess_report"]
        for level in row.part.split("."):
            part = part[level][0] if isinstance(part[level], list) else part[level]
        return part.get(row.key)

    unknown = {"value": row.unknown, "unit": row.unit} if row.unit else row.unknown
    wanted = {"value": 0.5 * row.factor, "unit": row.unit} if row.unit else written
    assert shown() == (wanted if row.variable else unknown)
    if row.variable:
        told[f"/sys/devices/{device}/0/{row.variable}"] = "nan" if row.unit else ""
        assert shown() == (None if row.unit else row.unknown)


def test_the_lists_of_two_batteries_are_of_equal_length() -> None:
    told = {"/sys/livedata/time": str(NOW)}
    for index, leaf in enumerate(("socVal", "tInvtrDegc")):
        told[f"/sys/devices/ess/{index}/msmtEps"] = MEASURED
        told[f"/sys/devices/ess/{index}/{leaf}"] = "0.5"
    report = storage_report(sort_plant(told))["ess_report"]
    lists = ("battery_status", "ess_status", "inverter_status", "ess_state")
    assert {name: len(report[name]) for name in lists} == dict.fromkeys(lists, 2)
    assert "system_state_of_charge" not in report["battery_status"][1]


def test_keys_of_a_kind_are_unique() -> None:
    for kind in KINDS:
        keys = [row.key for row in kind.rows]
        assert len(set(keys)) == len(keys)
        read = [row.variable for row in kind.rows if row.variable and not row.note]
        assert len(set(read)) == len(read)
        for row in kind.rows:
            assert bool(row.variable) == (row.form not in {FIXED, COMPUTED, LISTED}), row.key


# Variables of the simulated PVS that the old API has no key for.
UNUSED = {
    "meter": {"i1A", "i2A", "v1nV", "v2nV", "p1Kw", "p2Kw", "negLtea3phsumKwh",
              "posLtea3phsumKwh"},
    "ess": {"chrgLimitPmaxKw", "dischrgLimPmaxKw", "maxVBattCellV",
            "minTBattCellDegc", "minVBattCellV", "negLtea3phsumKwh", "posLtea3phsumKwh",
            "sohVal", "msmtEps"},
    "transfer_switch": {"pvd1StEnum", "msmtEps"},
}  # fmt: skip


def test_every_variable_has_a_row_or_is_listed_as_unused(boot: Boot) -> None:
    table = boot(battery=True).call(lambda box: variables(box._view()))
    for name in (name for name in table if name.startswith("/sys/devices/")):
        _, _, _, kind, index, leaf = name.split("/")
        rows: set[str] = set()
        for each in KINDS:
            if each.variables == kind:
                rows |= {row.variable for row in each.rows}
        rows |= {row.variable for row in STORAGE_ROWS if kind == "ess"}
        rows |= {row.variable for row in SWITCH_ROWS if kind == "transfer_switch"}
        assert leaf in rows or leaf in UNUSED[kind], name
        assert index.isdigit()


# Identity of the PVS


def test_the_version_follows_from_the_variables_without_supervisor_info() -> None:
    shown = one(PVS, sw_rev="2025.10.13.61846", model="PVS6")
    assert (shown["SWVER"], shown["MODEL"]) == ("2025.10, Build 61846", "PV Supervisor PVS6")
    assert one(PVS, sw_rev="newest")["SWVER"] == ""


# Serial numbers

VAULT = "00001A2B3C4D" + "".join(f"M0000000000000{module}" for module in range(1, 5))


def test_a_sunvault_of_72_characters_lists_its_parts() -> None:
    assert len(VAULT) == 72
    told = {
        "/sys/devices/ess/0/sn": VAULT,
        "/sys/devices/ess/0/msmtEps": MEASURED,
        "/sys/devices/transfer_switch/0/sn": "SH1",
    }
    _, inverter, *modules, vault, switch = plant(told)
    assert (vault["SERIAL"], vault["STATE"]) == (VAULT, "working")
    assert (inverter["DEVICE_TYPE"], inverter["SERIAL"]) == ("Storage Inverter", "00001A2B3C4D")
    assert [each["SERIAL"][-1] for each in modules] == ["1", "2", "3", "4"]
    assert {each["DEVICE_TYPE"] for each in modules} == {"Battery"}
    assert {each["PARENT"] for each in (inverter, *modules, switch)} == {VAULT}


@pytest.mark.parametrize("serial", ["0000ABCD_1234567890123456", "SN1", ""])
def test_another_battery_s_serial_number_is_not_split(serial: str) -> None:
    told = {"/sys/devices/ess/0/sn": serial, "/sys/devices/ess/0/msmtEps": MEASURED}
    (_, vault) = plant(told)
    assert (vault["DEVICE_TYPE"], vault["SERIAL"]) == ("Energy Storage System", serial)


@pytest.mark.parametrize(
    "ghost", ["", "  ", "NO SERIAL NUMBER", "none", "None", "N/A", "0", "000000000000", "-"]
)
def test_a_ghost_inverter_is_left_out(ghost: str) -> None:
    told = {
        "/sys/devices/inverter/0/sn": ghost,
        "/sys/devices/inverter/1/sn": "E00121000000001",
        "/sys/devices/inverter/2/p3phsumKw": "0.3",
    }
    assert [each["SERIAL"] for each in plant(told)[1:]] == ["E00121000000001"]


def test_missing_devices_are_in_error_without_measurements() -> None:
    told = {"/sys/devices/inverter/0/sn": "E1", "/sys/devices/inverter/0/msmtEps": MEASURED}
    _, meter, listed, lost = plant(told, missing=("E2", "PVS6M1p"), listed={"E2": {"MODEL": "D"}})
    assert (listed["SERIAL"], listed["STATE"]) == ("E1", "working")
    assert (lost["SERIAL"], lost["STATE"], lost["STATEDESCR"]) == ("E2", "error", "Missing")
    assert (lost["MODEL"], lost["DESCR"]) == ("D", "Inverter E2")
    assert (meter["TYPE"], meter["STATE"]) == ("PVS5-METER-P", "error")
    always = {row.key for row in INVERTER.rows if not row.measured and row.unknown is not None}
    assert always <= lost.keys()
    assert "p_3phsum_kw" not in lost


# Times

stale_or_not = st.integers(-2 * KEPT_SECONDS, 2 * KEPT_SECONDS)


@often
@given(age=stale_or_not)
def test_the_state_depends_on_the_age_of_the_measurement(age: int) -> None:
    measured = values.stamp(NOW - age)
    year, month, day, hour, minute, second = measured.split(",")
    iso = f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    device = one(INVERTER, msmtEps=iso, p3phsumKw="0.3")
    works = abs(age) <= WORKING_SECONDS
    assert (device["STATE"], device["STATEDESCR"]) == (
        ("working", "Working") if works else ("error", "Error")
    )
    shown = abs(age) <= KEPT_SECONDS
    measured_keys = ("p_3phsum_kw", "DATATIME", "stat_ind")
    assert [key in device for key in measured_keys] == [shown] * 3
    assert device["SERIAL"] == "SN1"


@pytest.mark.parametrize(
    "measured", ["", "yesterday", "2025-13-01T00:00:00Z", "0000-00-00T00:00:00Z"]
)
def test_without_the_time_of_measurement_values_are_left_out(measured: str) -> None:
    device = one(INVERTER, msmtEps=measured, p3phsumKw="0.3")
    assert device["STATE"] == "error"
    assert "p_3phsum_kw" not in device


def test_without_the_pvs_s_clock_the_newest_measurement_is_used() -> None:
    told = {
        "/sys/devices/inverter/0/msmtEps": "2025-06-15T05:00:00Z",
        "/sys/devices/inverter/0/sn": "E1",
        "/sys/devices/meter/0/msmtEps": MEASURED,
        "/sys/devices/meter/0/sn": "Mp",
    }
    _, meter, inverter = device_list(sort_plant(told), Beside())
    assert (meter["STATE"], inverter["STATE"]) == ("working", "error")
    assert meter["CURTIME"] == "2025,06,15,15,05,00"


def test_devices_are_sorted_by_number() -> None:
    names = [f"/sys/devices/inverter/{index}/sn" for index in (10, 9, 100, 1)]
    devices = plant({name: f"E{name.split('/')[4]}" for name in names})
    assert [each["SERIAL"] for each in devices[1:]] == ["E1", "E9", "E10", "E100"]


def test_a_meter_of_unknown_kind_is_left_out() -> None:
    assert len(plant({"/sys/devices/meter/0/sn": "PVS6M1x"})) == 1


# Types and blanks


def reading_of(told: dict[str, Any]) -> dict[str, str]:
    """Return the variables of a body with these values of any type."""
    listed = [{"name": name, "value": value} for name, value in told.items()]
    return read_variables(json.dumps({"values": listed, "count": len(listed)}).encode())


def test_numbers_and_blanks_are_read_and_other_types_are_unknown() -> None:
    told = {
        "/sys/livedata/time": NOW,
        "/sys/devices/inverter/0/sn": 414050000,
        "/sys/devices/inverter/0/msmtEps": f" {MEASURED}\n",
        "/sys/devices/inverter/0/p3phsumKw": 0.2101,
        "/sys/devices/inverter/0/freqHz": "\t60.01 ",
        "/sys/devices/inverter/0/ltea3phsumKwh": None,
        "/sys/devices/inverter/0/tHtsnkDegc": True,
        "/sys/devices/inverter/0/vMppt1V": ["54.1"],
        "/sys/devices/inverter/0/iMppt1A": float("nan"),
        "/sys/devices/inverter/0/prodMdlNm": " AC_Module_Type_D ",
    }
    _, device = device_list(sort_plant(reading_of(told)), Beside())
    assert (device["SERIAL"], device["MODEL"]) == ("414050000", "AC_Module_Type_D")
    assert (device["STATE"], device["p_3phsum_kw"], device["freq_hz"]) == (
        "working", "0.2101", "60.01",
    )  # fmt: skip
    lost = {"ltea_3phsum_kwh", "t_htsnk_degc", "v_mppt1_v", "i_mppt1_a"}
    assert lost.isdisjoint(device)


# Generated plants

numbers = st.floats(-LARGEST, LARGEST).map(lambda value: f"{value:.6f}")
texts = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=1, max_size=20)


def device_of(kind: Kind) -> st.SearchStrategy[dict[str, str]]:
    """Generate a device of a kind."""
    rows = [row for row in kind.rows if row.variable]
    leaves = {row.variable: texts if row.form == TEXT else numbers for row in rows}
    leaves["msmtEps"] = st.just(MEASURED)
    leaves["sn"] = texts.map(lambda serial: f"1{serial}{kind.endings[:1]}"[-22:])
    for row in rows:
        if row.form == WHOLE:
            leaves[row.variable] = st.integers(-99, 999).map(str)
    return st.fixed_dictionaries(leaves)


plants = st.fixed_dictionaries(
    {kind.name: st.lists(device_of(kind), max_size=4) for kind in OF_VARIABLES[1:]}
)


def variables_of(made_up: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    """Return a plant as /vars has it."""
    told = {"/sys/livedata/time": str(NOW), "/sys/info/model": "PVS6"}
    counts: dict[str, int] = {}
    for kind in OF_VARIABLES[1:]:
        for device in made_up[kind.name]:
            index = counts.setdefault(kind.variables, 0)
            counts[kind.variables] += 1
            for leaf, value in device.items():
                told[f"/sys/devices/{kind.variables}/{index}/{leaf}"] = value
    return told


@often
@given(made_up=plants)
def test_every_device_of_a_plant_has_all_its_numbers(
    made_up: dict[str, list[dict[str, str]]],
) -> None:
    supervisor, *devices = device_list(sort_plant(reading_of(variables_of(made_up))), Beside())
    assert supervisor["MODEL"] == "PV Supervisor PVS6"
    expected = [(kind, device) for kind in OF_VARIABLES[1:] for device in made_up[kind.name]]
    assert len(devices) == len(expected)
    for (kind, device), shown in zip(expected, devices, strict=True):
        assert shown["DEVICE_TYPE"] == kind.device_type
        for row in kind.rows:
            if row.form == NUMBER:
                assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", shown[row.key])
                off = abs(Decimal(shown[row.key]) - Decimal(device[row.variable]))
                assert off <= Decimal(1).scaleb(-row.places) / 2
            elif row.form == TEXT:
                assert shown[row.key] == device[row.variable]


def test_both_meters_have_the_keys_of_their_role() -> None:
    for kind, role in zip(METERS, ("production", "consumption"), strict=True):
        assert one(kind)[f"{role}_subtype_enum"] == one(kind)["subtype"] == ""


def test_the_readme_has_the_mapping(role: Path) -> None:
    readme = (role / "README.md").read_text()
    assert readme == documented(readme), "hint: python3 tests/unit/compat/document.py"
