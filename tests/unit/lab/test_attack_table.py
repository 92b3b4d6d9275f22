"""The table of attacks merges the rows of all tests."""

from __future__ import annotations

import pytest
from attack_table import MARK, AttackTable, summary


def test_rows_of_the_same_kind_become_one() -> None:
    noted: list[object] = []
    table = AttackTable(lambda _, value: noted.append(value))
    table.add("slow readers", attempts=64, arrived=1, most_in_flight=1, longest_wait_seconds=0.51)
    table.add("a", attempts=1)
    table.add("slow readers", attempts=16, arrived=3, writes=0, most_in_flight=1,
              longest_wait_seconds=0.06)  # fmt: skip
    assert summary(noted) == [  # type: ignore[arg-type] # record_property takes any object
        ("a", "1", "1", "-", "-", "-", "-"),
        ("slow readers", "2", "80", "4", "0", "1", "0.51 s"),
    ]


def test_the_fixture_marks_its_tests(
    attack_table: AttackTable, request: pytest.FixtureRequest
) -> None:
    assert isinstance(attack_table, AttackTable)
    assert request.node.get_closest_marker(MARK)
