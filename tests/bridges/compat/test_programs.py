"""Real client programs read the same values with older and with locked firmware."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bridges.compat.clients.calls import DEVICE_LIST, GET_COMM, KINDS, STORAGE
from bridges.compat.house import LOCKED, OPEN, House

from pvs_bridge.compat.mapping import KINDS as KINDS_OF_DEVICES
from pvs_bridge.compat.mapping import LISTED

# The keys that the programs use for their sensors, by DEVICE_TYPE.
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
# The firmware version and the names of models differ between the two. The bridge lets the time of
# the PVS go on while it reads only the meters.
OTHER = {"SWVER", "MODEL", "HWVER", "dl_uptime", "CURTIME"}
TIME_OF_PVS = ("PVS", "DATATIME")
TIME_PASSES = timedelta(minutes=1)
# The new API has no variable for them, so the bridge writes the old API's value for unknown.
UNKNOWN = {row.key for kind in KINDS_OF_DEVICES for row in kind.rows if row.form == LISTED}

Read = dict[str, Any]


@pytest.fixture(scope="module")
def read(lab: House) -> dict[int, dict[str, Read]]:
    """The readings of each program, by build and program."""
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
    """Return the devices of a reading, by kind and serial number."""
    listed = read[DEVICE_LIST]["devices"]
    named = {(each["DEVICE_TYPE"], each["SERIAL"]): each for each in listed}
    assert len(named) == len(listed)
    return named


def number(text: object) -> float | None:
    """Return the number in a text; None if there is none."""
    try:
        return float(str(text))
    except ValueError:
        return None


def moment(stamp: object) -> datetime:
    """Return the time that the old API writes as 2026,06,21,19,05,00."""
    return datetime.strptime(str(stamp), "%Y,%m,%d,%H,%M,%S").replace(tzinfo=UTC)


def resolution(*texts: str) -> float:
    """Return the larger resolution of two numbers written as text."""
    places = min(len(text.partition(".")[2]) for text in texts if "." in text)
    return float(10**-places)


def differences(old: Read, new: Read) -> Iterator[str]:
    """Return the values of a device that differ."""
    shared = old.keys() & new.keys() - UNKNOWN
    for key in (READ[old["DEVICE_TYPE"]] | shared) - OTHER:
        before, after = old.get(key), new.get(key)
        if (old["DEVICE_TYPE"], key) == TIME_OF_PVS:
            if not timedelta(0) <= moment(after) - moment(before) <= TIME_PASSES:
                yield f"the time of the PVS: {before!r}, {after!r}"
            continue
        first, second = number(before), number(after)
        if first is None or second is None or first == second:
            same = before == after or first == second is not None
        else:
            # Trailing zeros are not written.
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
def test_all_values_have_the_types_of_before(read: dict[int, dict[str, Read]]) -> None:
    old, new = (devices(read[build]["command_line"]) for build in (OPEN, LOCKED))
    for key in old:
        types = {name: type(value) for name, value in old[key].items() if name in new[key]}
        assert types == {name: type(new[key][name]) for name in types}, key


def test_an_integration_reads_the_network_status(read: dict[int, dict[str, Read]]) -> None:
    for build in (OPEN, LOCKED):
        answer = read[build]["integration"][GET_COMM]
        assert answer["result"] == "succeed"
        assert answer["networkstatus"]["system"]["internet"] == "up"
        names = {each["interface"] for each in answer["networkstatus"]["interfaces"]}
        assert "sta0" in names


def test_a_plant_without_a_battery_shows_none(read: dict[int, dict[str, Read]]) -> None:
    old, new = (read[build]["integration"][STORAGE]["ess_report"] for build in (OPEN, LOCKED))
    assert old == new == {"battery_status": [], "ess_status": [], "inverter_status": []}


def test_an_exporter_reads_the_identity_of_the_pvs(read: dict[int, dict[str, Read]]) -> None:
    start = "/cgi-bin/dl_cgi?Command=Start"
    old, new = (read[build]["exporter"][start]["supervisor"] for build in (OPEN, LOCKED))
    assert old.keys() == new.keys()
    assert (old["SERIAL"], old["BUILD"], new["BUILD"]) == (new["SERIAL"], OPEN, LOCKED)
