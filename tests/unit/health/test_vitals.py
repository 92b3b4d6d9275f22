"""The one judgement of the Pi's vitals, which page, metrics and doctor share."""

from __future__ import annotations

import dataclasses

import pytest

from pvs_bridge.host.vitals import Limits, Vitals, judge, read_throttled

LIMITS = Limits(temperature_celsius=75, signal_dbm=-75, card_free_mib=300)
GOOD = Vitals(
    under_voltage=False,
    under_voltage_now=False,
    throttled=False,
    throttled_since_start=False,
    temperature_celsius=50.0,
    signal_dbm=-50,
    card_free_mib=5000,
    card_free_entries=100_000,
    card_read_only=False,
    memory_free_mib=200,
    memory_mib=430,
    up_seconds=7200,
)


def test_a_good_pi_and_an_unknown_one_have_no_warning() -> None:
    assert judge(GOOD, LIMITS) == []
    assert judge(Vitals(), LIMITS) == []


@pytest.mark.parametrize(
    ("change", "name", "severe"),
    [
        ({"under_voltage": True, "under_voltage_now": True}, "under_voltage", True),
        ({"under_voltage": True}, "under_voltage", False),
        ({"temperature_celsius": 75.0}, "temperature", False),
        ({"throttled": True, "throttled_since_start": True}, "throttled", False),
        ({"throttled_since_start": True}, "throttled", False),
        ({"signal_dbm": -76}, "signal", False),
        ({"card_free_mib": 299}, "card", False),
        ({"card_free_mib": 0}, "card", True),
        ({"card_free_entries": 0}, "card", True),
        ({"card_read_only": True}, "card", True),
        ({"memory_free_mib": 21}, "memory", False),
        ({"root_memory_free_mib": 19, "root_memory_mib": 100}, "root_memory", False),
    ],
)
def test_each_vital_beyond_its_limit_is_one_warning_with_a_hint(
    change: dict[str, object], name: str, severe: bool
) -> None:
    (warning,) = judge(dataclasses.replace(GOOD, **change), LIMITS)  # type: ignore[arg-type]
    assert (warning.name, warning.severe) == (name, severe)
    assert warning.problem
    assert warning.hint


def test_the_limits_are_the_bridge_s_own() -> None:
    found = dataclasses.replace(GOOD, temperature_celsius=78.0, signal_dbm=-78, card_free_mib=400)
    assert [each.name for each in judge(found, LIMITS)] == ["temperature", "signal"]
    other = Limits(temperature_celsius=79, signal_dbm=-79, card_free_mib=500)
    assert [each.name for each in judge(found, other)] == ["card"]


def test_heat_and_low_voltage_explain_the_slow_down() -> None:
    slow = dataclasses.replace(GOOD, throttled=True, throttled_since_start=True)
    hot = dataclasses.replace(slow, temperature_celsius=84.0)
    assert [each.name for each in judge(hot, LIMITS)] == ["temperature"]
    weak = dataclasses.replace(slow, under_voltage=True)
    assert [each.name for each in judge(weak, LIMITS)] == ["under_voltage"]


def test_an_active_warning_ends_only_well_within_the_limit() -> None:
    found = dataclasses.replace(GOOD, temperature_celsius=73.0)
    assert judge(found, LIMITS) == []
    assert [each.name for each in judge(found, LIMITS, frozenset({"temperature"}))] == [
        "temperature"
    ]


def test_a_root_that_should_be_locked_may_be_unlocked_for_an_hour() -> None:
    limits = dataclasses.replace(LIMITS, read_only_root=True)
    unlocked = dataclasses.replace(GOOD, root_locked=False)
    assert [each.name for each in judge(unlocked, limits)] == ["root_unlocked"]
    assert judge(dataclasses.replace(unlocked, up_seconds=3599), limits) == []
    assert judge(unlocked, LIMITS) == []


def test_damaged_packets_need_a_run_before() -> None:
    found = dataclasses.replace(GOOD, errors={"eth0": 120})
    assert judge(found, LIMITS) == []
    assert [each.name for each in judge(found, LIMITS, errors_before={"eth0": 100})] == [
        "errors_eth0"
    ]
    assert judge(found, LIMITS, errors_before={"eth0": 101}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0x0", (False, False, False, False)),
        ("throttled=0x50000", (False, True, False, True)),
        ("50005\n", (True, True, True, True)),
        ("0x80008", (False, False, False, False)),
        ("nonsense", None),
        ("", None),
    ],
)
def test_get_throttled_is_decoded(text: str, expected: tuple[bool, ...] | None) -> None:
    found = read_throttled(text)
    assert (None if found is None else dataclasses.astuple(found)) == expected
