"""Totals never go backwards."""

from __future__ import annotations

import json
import random

import pytest

from pvs_bridge.mqtt.counters import Counter, Memory, advanced, read_memory

HOUR = 3600.0


def totals(*readings: float, hours: float = 0.1) -> list[float]:
    """Return the totals after each reading."""
    counter: Counter | None = None
    found = []
    for number, raw in enumerate(readings):
        counter = advanced(counter, raw, number * hours * HOUR)
        found.append(counter.total)
    return found


@pytest.mark.parametrize(
    ("readings", "wanted"),
    [
        ((100.0, 100.5, 101.0), [100.0, 100.5, 101.0]),
        # At night a production meter counts what the inverters consume.
        ((100.0, 99.6, 99.5, 100.2), [100.0, 100.0, 100.0, 100.2]),
        # A damaged reading.
        ((100.0, 0.0, 100.5, 100.6), [100.0, 100.0, 100.0, 100.1]),
        ((100.0, 900_000.0, 100.5, 100.6), [100.0, 100.0, 100.0, 100.1]),
        # A new meter begins at 0.
        ((20_000.0, 0.0, 1.5), [20_000.0, 20_000.0, 20_001.5]),
    ],
)
def test_a_total_counts_what_a_home_can_produce(
    readings: tuple[float, ...], wanted: list[float]
) -> None:
    assert totals(*readings) == pytest.approx(wanted)


def test_a_month_without_the_bridge_is_counted() -> None:
    assert totals(1000.0, 1900.0, hours=30 * 24) == [1000.0, 1900.0]


def test_no_sequence_of_readings_makes_a_total_fall() -> None:
    choice = random.Random(19)  # noqa: S311 - not for secrets
    for _ in range(200):
        readings = [choice.choice((0, 5, 1e3, 2e4)) + choice.uniform(-2, 2) for _ in range(40)]
        found = totals(*readings)
        assert found == sorted(found)


def test_a_memory_survives_the_way_over_the_broker() -> None:
    memory = Memory({"panels": Counter(3.5, 4.5, 1.7e9), "x": Counter(1, 1, None)}, (1.7e9, 2.5))
    assert read_memory(json.dumps(memory.data()).encode()) == memory


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"counters": 1, "day": 2}',
        b'{"counters": {"panels": ["1", 2, 3]}, "day": [1]}',
        b'{"counters": {"panels": [NaN, 2, 3]}, "day": [1, -5]}',
        b'{"counters": {"panels": [1e300, 2, 3]}, "day": [1, 1e300]}',
        b'{"counters": {"panels": [true, 2, 3]}, "day": null}',
    ],
)  # fmt: skip
def test_what_another_program_has_written_there_is_left_out(text: bytes) -> None:
    assert read_memory(text) == Memory()


def test_the_day_falls_at_midnight_only() -> None:
    memory = Memory()
    assert [memory.today(0.0, kwh) for kwh in (3.0, 2.5, 3.1)] == [3.0, 3.0, 3.1]
    assert memory.today(86_400.0, 0.0) == 0.0
    assert memory.today(None, 1.0) is None
