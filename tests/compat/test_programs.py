"""Programs in the field read the same plant on older and on locked firmware, through the bridge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from compat.clients.calls import DEVICE_LIST, GET_COMM, KINDS, STORAGE
from compat.house import LOCKED, OPEN, House

# What the programs make their sensors of, by DEVICE_TYPE.
READ = {
    "PVS": {"STATE", "SERIAL", "MODEL", "HWVER", "DEVICE_TYPE", "DATATIME"},
    "Power Meter": {
        "STATE", "SERIAL", "TYPE", "DEVICE_TYPE", "DATATIME", "ct_scl_fctr", "freq_hz",
        "net_ltea_3phsum_kwh", "p_3phsum_kw", "q_3phsum_kvar", "s_3phsum_kva", "tot_pf_rto",
    },
    "Inverter": {
        "STATE", "SERIAL", "TYPE", "DEVICE_TYPE", "DATATIME", "freq_hz", "i_3phsum_a",
        "i_mppt1_a", "ltea_3phsum_kwh", "p_3phsum_kw", "p_mppt1_kw", "t_htsnk_degc", "v_mppt1_v",
        "vln_3phavg_v",
    },
}  # fmt: skip
# The firmware itself, and what it calls a model, differ between the two.
OTHER = {"SWVER", "MODEL", "HWVER", "dl_uptime", "CURTIME"}

Read = dict[str, Any]


@pytest.fixture(scope="module")
def read(lab: House) -> dict[int, dict[str, Read]]:
    """What each kind of program reads, by build and kind."""
    found: dict[int, dict[str, Read]] = {}
    for build in (OPEN, LOCKED):
        lab.install(build)
        lab.reset()
        found[build] = {kind: lab.program("calls", kind, "bridge")[0] for kind in KINDS}
        record = lab.record()
        assert record["most_in_flight"]["total"] == 1
        assert record["logins"] <= 1
    return found


def devices(read: Read) -> dict[tuple[str, str], Read]:
    """The devices of a reading, by kind and serial number."""
    listed = read[DEVICE_LIST]["devices"]
    named = {(each["DEVICE_TYPE"], each["SERIAL"]): each for each in listed}
    assert len(named) == len(listed)
    return named


def number(text: object) -> float | None:
    """The number that a text holds; None for what is none."""
    try:
        return float(str(text))
    except ValueError:
        return None


def resolution(*texts: str) -> float:
    """The larger of the steps in which texts of numbers count."""
    places = min(len(text.partition(".")[2]) for text in texts if "." in text)
    return float(10**-places)


def differences(old: Read, new: Read) -> Iterator[str]:
    """What is read differently of one device."""
    for key in (READ[old["DEVICE_TYPE"]] | (old.keys() & new.keys())) - OTHER:
        before, after = old.get(key), new.get(key)
        first, second = number(before), number(after)
        if first is None or second is None or first == second:
            same = before == after or first == second is not None
        else:
            # A value ends with a zero now and then, and is written without it.
            same = abs(first - second) <= resolution(str(before), str(after))
        if not same:
            yield f"{old['SERIAL']} {key}: {before!r}, {after!r}"


@pytest.mark.core
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_devices_are_read_with_the_same_values(
    read: dict[int, dict[str, Read]], kind: str
) -> None:
    old, new = (devices(read[build][kind]) for build in (OPEN, LOCKED))
    assert list(old) == list(new)
    assert [each for key in old for each in differences(old[key], new[key])] == []
    assert len([kind for kind, _ in new if kind == "Inverter"]) == 12


@pytest.mark.core
def test_all_numbers_are_texts_as_before(read: dict[int, dict[str, Read]]) -> None:
    for key, device in devices(read[LOCKED]["command_line"]).items():
        kinds = {name: type(value) for name, value in device.items() if name != "ISDETAIL"}
        assert set(kinds.values()) == {str}, (key, kinds)


def test_an_integration_learns_how_the_pvs_is_connected(read: dict[int, dict[str, Read]]) -> None:
    for build in (OPEN, LOCKED):
        answer = read[build]["integration"][GET_COMM]
        assert answer["result"] == "succeed"
        assert answer["networkstatus"]["system"]["internet"] == "up"
        names = {each["interface"] for each in answer["networkstatus"]["interfaces"]}
        assert "sta0" in names


def test_a_plant_without_a_battery_has_none_on_either(read: dict[int, dict[str, Read]]) -> None:
    old, new = (read[build]["integration"][STORAGE]["ess_report"] for build in (OPEN, LOCKED))
    assert old == new == {"battery_status": [], "ess_status": [], "inverter_status": []}


def test_an_exporter_is_told_which_pvs_it_is(read: dict[int, dict[str, Read]]) -> None:
    start = "/cgi-bin/dl_cgi?Command=Start"
    old, new = (read[build]["exporter"][start]["supervisor"] for build in (OPEN, LOCKED))
    assert old.keys() == new.keys()
    assert (old["SERIAL"], old["BUILD"], new["BUILD"]) == (new["SERIAL"], OPEN, LOCKED)
