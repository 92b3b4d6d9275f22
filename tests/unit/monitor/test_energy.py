"""The energy of a day: counters that go backwards, vanish and jump, and clocks that do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from pvs_bridge.monitor import energy
from pvs_bridge.monitor.energy import Energy
from pvs_bridge.monitor.production import Point
from pvs_bridge.pvs.devices import Meter, Panel, Plant

HOUR = 3600.0
NOON = 1_782_057_600.0
"""Seconds since 1970: June 21, 2026 in New York."""


pytestmark = pytest.mark.usefixtures("in_new_york")


def plant(panels: Mapping[str, float | None], meter: float | None = None, kw: float = 1.0) -> Plant:
    """Make a plant from its counters in kWh; a panel without one is silent."""
    shown = tuple(
        Panel(serial, "silent" if kwh is None else "working", 200, kwh, None)
        for serial, kwh in panels.items()
    )
    meters = () if meter is None else (Meter("production", None, "p", kw, meter),)
    return Plant(None, meters, (), (), shown)


def day_of(*readings: tuple[float, Plant]) -> Energy:
    """Return the energy after readings at some hours."""
    found = Energy()
    for hours, reading in readings:
        found = energy.added(found, reading, hours * HOUR, NOON + hours * HOUR)
    return found


def test_the_energy_is_the_sum_of_the_steps() -> None:
    found = day_of(
        (0, plant({"A": 100.0, "B": 200.0})),
        (1, plant({"A": 100.25, "B": 200.5})),
        (2, plant({"A": 100.5, "B": 200.75})),
    )
    assert found.panels == {"A": 0.5, "B": 0.75}
    assert (found.kwh, found.start, found.read) == (1.25, round(NOON), 2 * HOUR)


def test_a_meter_counts_instead_of_the_panels() -> None:
    found = day_of((0, plant({"A": 100.0}, 50.0)), (1, plant({"A": 101.0}, 50.9)))
    assert found.kwh == pytest.approx(0.9)
    assert found.panels == {"A": 1.0}


def test_a_meter_without_a_transformer_does_not_count() -> None:
    found = day_of((0, plant({"A": 100.0}, 0.0, kw=0.0)), (1, plant({"A": 100.5}, 0.0, kw=0.0)))
    assert found.kwh == 0.5


def test_the_panels_count_while_the_meter_is_missing() -> None:
    found = day_of(
        (0, plant({"A": 100.0}, 50.0)),
        (1, plant({"A": 101.0}, 51.0)),
        (2, plant({"A": 102.0})),
        (3, plant({"A": 103.0})),
        # The step of the meter has the energy of the panels of two hours again.
        (4, plant({"A": 104.0}, 54.0)),
        (5, plant({"A": 105.0}, 55.0)),
    )
    assert found.kwh == pytest.approx(5.0)


def test_a_counter_that_goes_backwards_does_not_count() -> None:
    found = day_of(
        (0, plant({"A": 100.0})),
        (0.1, plant({"A": 0.0})),
        (0.2, plant({"A": 100.1})),
        (0.3, plant({"A": 100.2})),
    )
    assert found.kwh == pytest.approx(0.1)


def test_panels_that_vanish_and_appear_are_not_production() -> None:
    all_of_them = {f"P{number}": 1000.0 for number in range(20)}
    few = dict(list(all_of_them.items())[:3])
    grown = {serial: kwh + 0.5 for serial, kwh in all_of_them.items()}
    found = day_of(
        (0, plant(few)), (0.1, plant(all_of_them)), (0.2, plant(few)), (1.0, plant(grown))
    )
    assert found.kwh == pytest.approx(20 * 0.5)
    assert len(found.panels) == 20


def test_what_was_made_while_nothing_was_read_belongs_to_no_day() -> None:
    found = day_of((0, plant({"A": 100.0})), (49, plant({"A": 103.0})), (50, plant({"A": 103.2})))
    assert [found.kwh, found.earlier_kwh] == pytest.approx([0.2, 3.0])
    assert found.earlier_panels == {"A": pytest.approx(3.0)}


def test_the_first_step_after_a_night_is_of_today() -> None:
    found = day_of((0, plant({"A": 100.0})), (15, plant({"A": 100.1})))
    assert [found.kwh, found.earlier_kwh] == pytest.approx([0.1, 0.0])


def test_a_panel_that_is_listed_but_silent_has_made_nothing() -> None:
    missing = Plant(None, (), (), (), (Panel("C", "missing", None, None, None),))
    reading = plant({"A": 100.0, "B": None})
    found = day_of((0, dataclasses.replace(reading, panels=reading.panels + missing.panels)))
    assert found.panels == {"A": 0.0, "B": 0.0}


def test_a_serial_number_that_is_listed_twice_counts_once() -> None:
    readings = []
    for step in range(6):
        once = plant({"A": 100.0 + step / 10})
        twice = Panel("A", "working", 200, 101.0, None)
        readings.append((step / 10, dataclasses.replace(once, panels=(*once.panels, twice))))
    assert day_of(*readings).panels == {"A": pytest.approx(0.5)}


def test_new_serial_numbers_in_each_reading_do_not_use_up_the_memory() -> None:
    found = Energy()
    for step in range(50):
        reading = plant({f"P{step}-{number}": 1.0 for number in range(300)})
        found = energy.added(found, reading, step * 300.0, NOON)
    assert len(found.panels) <= 200
    assert len(found.counts) <= 400


def test_a_day_is_over_at_midnight_and_keeps_its_date() -> None:
    found = day_of((0, plant({"A": 100.0})), (11.9, plant({"A": 101.0})))
    assert not energy.is_over(found, 11.95 * HOUR, NOON + 11.95 * HOUR)
    now, wall = 12.1 * HOUR, NOON + 12.1 * HOUR
    assert energy.is_over(found, now, wall)
    points = [
        Point(0.0, 500),
        Point(HOUR, 0),
        Point(2 * HOUR, 700),
        Point(2.1 * HOUR, 800),
        Point(12.05 * HOUR, 9),
    ]
    day = energy.day_of(found, points, now, wall)
    assert (day.day, day.wh, day.panels, day.start) == ("2026-06-21", 1000, {"A": 1000}, NOON)
    assert NOON - day.midnight == 12 * HOUR
    assert day.first_slot == 12 * 6
    assert list(day.watts) == [500, *[None] * 5, 0, *[None] * 5, 750]
    after = energy.next_day(found)
    assert (after.kwh, after.panels, after.start) == (0.0, {}, 0)
    assert energy.added(after, plant({"A": 101.5}), now, wall).kwh == 0.5


@pytest.mark.parametrize("years", [-20, -1, 1, 10])
def test_a_clock_that_jumps_by_years_and_back_ends_no_day(years: int) -> None:
    found = day_of((0, plant({"A": 100.0})))
    wrong = NOON + years * 365 * 86400
    assert not energy.is_over(found, HOUR, wrong + HOUR)
    found = energy.added(found, plant({"A": 100.5}), HOUR, wrong + HOUR)
    assert not energy.is_over(found, 2 * HOUR, NOON + 2 * HOUR)
    found = energy.added(found, plant({"A": 101.0}), 2 * HOUR, NOON + 2 * HOUR)
    assert (found.kwh, found.start) == (1.0, NOON)
