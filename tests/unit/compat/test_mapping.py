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
from pvs_bridge.compat.devices import KEPT_SECONDS, WORKING_SECONDS, device_list
from pvs_bridge.compat.mapping import (
    KINDS,
    PVS,
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
from pvs_bridge.pvs.variables import read_variables, sort_plant
from pvs_sim.varserver import View, variables

NOW = 1_750_000_000
MEASURED = "2025-06-15T15:05:00Z"
LARGEST = 100_000.0

ROWS = [(kind, row) for kind in KINDS for row in kind.rows]
often = settings(max_examples=80, deadline=None)


def name_of(case: Any) -> str:  # noqa: ANN401 - any parameter of pytest
    """Return the id of a test case."""
    if isinstance(case, Kind):
        return case.name
    return case.key if isinstance(case, (Row, StorageRow)) else str(case)


def place(kind: Kind) -> str:
    """Return the folder of a kind's variables."""
    return f"/sys/devices/{kind.variables}/0/" if kind.variables else "/sys/info/"


def plant(told: dict[str, str]) -> list[dict[str, Any]]:
    """Return the devices made from variables."""
    return device_list(sort_plant({"/sys/livedata/time": str(NOW), **told}), None)


def one(kind: Kind, **leaves: str) -> dict[str, Any]:
    """Return one device of a kind with these variables, measured now."""
    serial = f"SN1{kind.endings[:1]}"
    own = {"sn": serial, "msmtEps": MEASURED} if kind is not PVS else {}
    devices = plant({place(kind) + leaf: value for leaf, value in {**own, **leaves}.items()})
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
    if row.variable == "sn":
        given_value = written = f"SN2{kind.endings[:1]}"
    shown = one(kind, **{row.variable: given_value})[row.key]
    assert shown == (f"PV Supervisor {written}" if (kind, row.key) == (PVS, "MODEL") else written)


NO_TEXTS = ["", "\x1b[2J", "\u0663", "x" * 65]
NO_NUMBERS = [*NO_TEXTS, "nan", "inf", "-nan", "1,5", "0x10", "1_0", "1e13"]
# The kind of a meter is known only by its serial number.
NOTHINGS = [
    (kind, row, nothing)
    for kind, row in ROWS
    for nothing in (NO_TEXTS if row.form == TEXT else NO_NUMBERS)
    if not (kind.endings and row.variable == "sn")
]


@pytest.mark.parametrize(("kind", "row", "nothing"), NOTHINGS, ids=name_of)
def test_an_invalid_value_leaves_its_key_out(kind: Kind, row: Row, nothing: str) -> None:
    assert row.key not in one(kind, **{row.variable: nothing})


@pytest.mark.parametrize(
    ("device", "row"),
    [("ess", row) for row in STORAGE_ROWS] + [("transfer_switch", row) for row in SWITCH_ROWS],
    ids=name_of,
)
def test_each_row_of_the_battery_s_report_is_in_its_place(device: str, row: StorageRow) -> None:
    written = "0.5" if row.unit else "CLOSED"
    told = {
        f"/sys/devices/{device}/0/msmtEps": MEASURED,
        f"/sys/devices/{device}/0/{row.variable}": written,
        "/sys/livedata/time": str(NOW),
    }
    part: Any = storage_report(sort_plant(told))["ess_report"]
    for level in row.part.split("."):
        part = part[level][0] if isinstance(part[level], list) else part[level]
    shown = part[row.key]
    wanted = {"value": 0.5 * row.factor, "unit": row.unit} if row.unit else written
    assert shown == wanted


def test_keys_and_variables_of_a_kind_are_unique() -> None:
    for kind in KINDS:
        keys = [row.key for row in kind.rows]
        assert len(set(keys)) == len(keys)
        assert not set(keys) & set(kind.fixed)
        read = [row.variable for row in kind.rows]
        assert len(set(read)) == len(read)


# Variables of the simulated PVS that the old API has no key for.
UNUSED = {
    "meter": {"i1A", "i2A", "v1nV", "v2nV", "p1Kw", "p2Kw", "negLtea3phsumKwh",
              "posLtea3phsumKwh"},
    "ess": {"chrgLimitPmaxKw", "dischrgLimPmaxKw", "maxTBattCellDegc", "maxVBattCellV",
            "minTBattCellDegc", "minVBattCellV", "negLtea3phsumKwh", "posLtea3phsumKwh",
            "sohVal", "msmtEps"},
    "transfer_switch": {"pvd1StEnum", "vSpplyV", "msmtEps"},
}  # fmt: skip


def test_every_variable_has_a_row_or_is_listed_as_unused(boot: Boot) -> None:
    table = boot(battery=True).call(
        lambda box: variables(View(box.reading(), box.state, box.firmware, 1, 5.0))
    )
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


# Times

stale_or_not = st.integers(-2 * KEPT_SECONDS, 2 * KEPT_SECONDS)


@often
@given(age=stale_or_not)
def test_the_state_depends_on_the_age_of_the_measurement(age: int) -> None:
    measured = values.stamp(NOW - age)
    year, month, day, hour, minute, second = measured.split(",")
    iso = f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    device = one(KINDS[3], msmtEps=iso, p3phsumKw="0.3")
    works = abs(age) <= WORKING_SECONDS
    assert (device["STATE"], device["STATEDESCR"]) == (
        ("working", "Working") if works else ("error", "Error")
    )
    shown = abs(age) <= KEPT_SECONDS
    assert ("p_3phsum_kw" in device, "DATATIME" in device) == (shown, shown)
    assert device["SERIAL"] == "SN1"


@pytest.mark.parametrize(
    "measured", ["", "yesterday", "2025-13-01T00:00:00Z", "0000-00-00T00:00:00Z"]
)
def test_without_the_time_of_measurement_values_are_left_out(measured: str) -> None:
    device = one(KINDS[3], msmtEps=measured, p3phsumKw="0.3")
    assert device["STATE"] == "error"
    assert "p_3phsum_kw" not in device


def test_without_the_pvs_s_clock_the_newest_measurement_is_used() -> None:
    told = {
        "/sys/devices/inverter/0/msmtEps": "2025-06-15T05:00:00Z",
        "/sys/devices/inverter/0/sn": "E1",
        "/sys/devices/meter/0/msmtEps": MEASURED,
        "/sys/devices/meter/0/sn": "Mp",
    }
    _, meter, inverter = device_list(sort_plant(told), None)
    assert (meter["STATE"], inverter["STATE"]) == ("working", "error")
    assert meter["CURTIME"] == "2025,06,15,15,05,00"


def test_devices_are_sorted_by_number() -> None:
    names = [f"/sys/devices/inverter/{index}/sn" for index in (10, 9, 100, 0)]
    devices = plant({name: f"E{name.split('/')[4]}" for name in names})
    assert [each["SERIAL"] for each in devices[1:]] == ["E0", "E9", "E10", "E100"]


def test_a_meter_of_unknown_kind_is_left_out() -> None:
    assert len(plant({"/sys/devices/meter/0/sn": "PVS6M1x"})) == 1


# Generated plants

numbers = st.floats(-LARGEST, LARGEST).map(lambda value: f"{value:.6f}")
texts = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=1, max_size=20)


def device_of(kind: Kind) -> st.SearchStrategy[dict[str, str]]:
    """Generate a device of a kind."""
    leaves = {row.variable: texts if row.form == TEXT else numbers for row in kind.rows}
    leaves["msmtEps"] = st.just(MEASURED)
    leaves["sn"] = texts.map(lambda serial: serial + kind.endings[:1])
    for row in kind.rows:
        if row.form == WHOLE:
            leaves[row.variable] = st.integers(-99, 999).map(str)
    return st.fixed_dictionaries(leaves)


plants = st.fixed_dictionaries(
    {kind.name: st.lists(device_of(kind), max_size=4) for kind in KINDS[1:]}
)


def variables_of(made_up: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    """Return a plant as /vars has it."""
    told = {"/sys/livedata/time": str(NOW), "/sys/info/model": "PVS6"}
    counts: dict[str, int] = {}
    for kind in KINDS[1:]:
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
    told = variables_of(made_up)
    listed = [{"name": name, "value": value} for name, value in told.items()]
    body = json.dumps({"values": listed, "count": len(listed)}).encode()
    supervisor, *devices = device_list(sort_plant(read_variables(body)), None)
    assert supervisor["MODEL"] == "PV Supervisor PVS6"
    expected = [(kind, device) for kind in KINDS[1:] for device in made_up[kind.name]]
    assert len(devices) == len(expected)
    for (kind, device), shown in zip(expected, devices, strict=True):
        assert shown["DEVICE_TYPE"] == kind.fixed["DEVICE_TYPE"]
        for row in kind.rows:
            if row.form == "number":
                assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", shown[row.key])
                off = abs(Decimal(shown[row.key]) - Decimal(device[row.variable]))
                assert off <= Decimal(1).scaleb(-row.places) / 2
            elif row.form == TEXT:
                assert shown[row.key] == device[row.variable]


def test_the_readme_has_the_mapping(role: Path) -> None:
    readme = (role / "README.md").read_text()
    assert readme == documented(readme), "hint: python3 tests/unit/compat/document.py"
