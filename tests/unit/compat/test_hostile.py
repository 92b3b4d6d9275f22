"""For any answer of /vars, the service neither crashes nor returns a number that is not in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.compat.conftest import Boot, Serve

from pvs_bridge.compat import values
from pvs_bridge.compat.battery import storage_report
from pvs_bridge.compat.devices import Beside, device_list
from pvs_bridge.compat.haproxy_stats import read_counters
from pvs_bridge.compat.mapping import KINDS, NUMBER, UPTIME, WHOLE, Row
from pvs_bridge.pvs.errors import DamagedError
from pvs_bridge.pvs.firmware import from_supervisor_info
from pvs_bridge.pvs.variables import read_variables, sort_plant
from pvs_sim.faults import Fault

often = settings(max_examples=150, deadline=None)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)
leaves = st.sampled_from(
    [
        *("sn", "msmtEps", "p3phsumKw", "ltea3phsumKwh", "tHtsnkDegc", "prodMdlNm", "v12V"),
        *("socVal", "customerSocVal", "vBattV", "opMode", "tDegc", "midStEnum", "freqHz"),
    ]
)
names = st.builds(
    "/sys/devices/{}/{}/{}".format,
    st.sampled_from(["inverter", "meter", "ess", "transfer_switch", "kettle", "../x"]),
    st.integers(-1, 12),
    leaves,
) | st.sampled_from(["/sys/livedata/time", "/sys/info/model", "/sys/info/serialnum"])
figures = st.sampled_from(
    [
        *("nan", "inf", "-inf", "1e999", "1e5", "-0.000001", "0.30000000000000004", "1e", "--1"),
        *("2025-06-15T15:00:00Z", "2025-02-30T00:00:00Z", "9999-12-31T23:59:59Z"),
        *("1750000000", "0", "-1", "99999999999999999999", "1.5.5", " 1", "1\r\nX: 2", "²"),
    ]
)
odd = figures | st.text() | st.floats().map(str) | st.integers().map(str)
variables = st.dictionaries(names, odd, max_size=40)


def body_of(given_variables: dict[str, str]) -> bytes:
    """Return variables as /vars does."""
    listed = [{"name": name, "value": value} for name, value in given_variables.items()]
    return json.dumps({"values": listed, "count": len(listed)}).encode()


GOOD = body_of(
    {
        "/sys/livedata/time": "1750000000",
        "/sys/info/serialnum": "ZT210075000612B0000",
        "/sys/devices/inverter/0/sn": "E1",
        "/sys/devices/inverter/0/msmtEps": "2025-06-15T15:05:00Z",
        "/sys/devices/inverter/0/p3phsumKw": "0.123456",
        "/sys/devices/inverter/0/ltea3phsumKwh": "1234.500000",
    }
)


def answers(body: bytes) -> list[Any]:
    """Return the answers made from a body; empty if it is damaged."""
    try:
        plant = sort_plant(read_variables(body))
    except DamagedError:
        return []
    return [device_list(plant, Beside()), storage_report(plant)]


NUMBERS = {NUMBER, WHOLE, UPTIME}


def row_of(device: dict[str, Any], key: str) -> Row:
    """Return the row of a key in the table."""
    kinds = [kind for kind in KINDS if kind.device_type == device["DEVICE_TYPE"]]
    return next(row for kind in kinds for row in kind.rows if row.key == key)


def leaves_of(tree: object) -> Iterator[object]:
    """Yield every value of an answer."""
    if isinstance(tree, dict):
        for each in tree.values():
            yield from leaves_of(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from leaves_of(each)
    else:
        yield tree


@often
@given(body=st.binary())
def test_random_bytes_are_not_a_reading(body: bytes) -> None:
    assert answers(body) == []


@often
@given(tree=trees)
def test_random_json_is_not_a_reading(tree: object) -> None:
    assert answers(json.dumps(tree).encode()) == []


@often
@given(end=st.integers(0, len(GOOD) - 1))
def test_a_truncated_body_is_not_a_reading(end: int) -> None:
    assert answers(GOOD[:end]) == []


@often
@given(at=st.integers(0, len(GOOD)))
def test_header_lines_in_a_body_never_change_a_value(at: int) -> None:
    lines = b"Content-Type: application/json\r\nPragma: no-cache\r\n\r\n"
    assert answers(GOOD[:at] + lines + GOOD[at:]) == []


@often
@given(at=st.integers(0, len(GOOD) - 1), put=st.binary(min_size=1, max_size=1))
def test_a_changed_byte_never_changes_a_type(at: int, put: bytes) -> None:
    for tree in answers(GOOD[:at] + put + GOOD[at + 1 :]):
        for leaf in leaves_of(tree):
            # 0 is the unknown value of a few keys, which are JSON numbers in the old API.
            assert leaf is True or leaf == 0 or isinstance(leaf, str)


@often
@given(
    entries=st.lists(
        st.fixed_dictionaries({}, optional={"name": names | scalars, "value": odd | trees})
    ),
    count=st.none() | st.integers(0, 3) | trees,
)
def test_unexpected_types_never_crash_it(entries: list[dict[str, Any]], count: object) -> None:
    for number in (count, len(entries)):
        for tree in answers(json.dumps({"values": entries, "count": number}).encode()):
            json.dumps(tree, allow_nan=False)


@often
@given(given_variables=variables)
def test_every_number_in_an_answer_is_a_rounded_variable(
    given_variables: dict[str, str],
) -> None:
    exact = [value for value in map(values.decimal, given_variables.values()) if value is not None]
    trees_made = answers(body_of(given_variables))
    assert trees_made != []
    for tree in trees_made:
        json.dumps(tree, allow_nan=False)
    devices, _ = trees_made
    for device in devices:
        for key, value in device.items():
            if row_of(device, key).form in NUMBERS:
                assert re.fullmatch(r"-?[0-9]+(\.[0-9]{1,4})?", value)
                off = min(abs(each - Decimal(value)) for each in exact)
                assert off <= (Decimal("0.5") if key == "t_htsnk_degc" else Decimal("0.005"))


def test_two_values_for_one_name_are_not_a_reading() -> None:
    twice = [{"name": "/sys/info/model", "value": value} for value in ("PVS5", "PVS6")]
    with pytest.raises(DamagedError):
        read_variables(json.dumps({"values": twice, "count": 2}).encode())


@often
@given(body=st.binary() | trees.map(lambda tree: json.dumps(tree).encode()), text=st.text())
def test_other_answers_never_crash_it(body: bytes, text: str) -> None:
    assert from_supervisor_info(body) is None
    assert read_counters(text) is None


@pytest.mark.parametrize("kind", ["truncate", "headers_in_body"])
@pytest.mark.usefixtures("hurry")
def test_a_damaged_reading_is_503_with_a_reason(boot: Boot, serve: Serve, kind: str) -> None:
    answer = serve(boot(faults=(Fault(kind, path="/vars"),))).get()
    assert answer.status == 503
    assert "damaged" in answer.json()["error"]


@pytest.mark.parametrize("kind", ["truncate", "headers_in_body", "403"])
@pytest.mark.usefixtures("hurry")
def test_a_damaged_login_is_503_with_a_reason(boot: Boot, serve: Serve, kind: str) -> None:
    answer = serve(boot(faults=(Fault(kind, path="/auth"),))).get()
    assert answer.status == 503
    assert set(answer.json()) == {"result", "error", "hint"}
