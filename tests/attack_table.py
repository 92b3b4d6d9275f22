"""One table of all attacks that a run has tried, printed at its end.

A test that attacks the bridge takes the fixture ``attack_table``, and adds a row before an assert::

    attack_table.add("spellings of a write", attempts=len(CORPUS), arrived=0, writes=0)

``make test-attacks`` runs exactly the tests that take the fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from pvs_lab.figures import table

FIXTURE = "attack_table"
MARK = "attack"
_HEAD = (
    "attack", "tests", "attempts", "arrived at the PVS", "writes", "most in flight",
    "longest wait of another client",
)  # fmt: skip

Row = Sequence[Any]


class AttackTable:
    """The rows of one test; see :func:`attack_table`."""

    def __init__(self, record_property: Callable[[str, object], None]) -> None:
        """Take pytest's fixture of this name, which carries the rows to the end of the run."""
        self._record_property = record_property

    def add(
        self,
        kind: str,
        *,
        attempts: int,
        arrived: int | None = None,
        writes: int | None = None,
        most_in_flight: int | None = None,
        longest_wait_seconds: float | None = None,
    ) -> None:
        """Add a row; rows of the same kind become one. None is a figure that does not apply.

        Args:
            kind: The attack, in a few words.
            attempts: Requests or connections of the attacker.
            arrived: Requests that the PVS got meanwhile, from whomever.
            writes: Those of them that write.
            most_in_flight: The most requests that the PVS had at once.
            longest_wait_seconds: The longest that another client waited for its answer.
        """
        row = (kind, attempts, arrived, writes, most_in_flight, longest_wait_seconds)
        self._record_property(FIXTURE, row)


@pytest.fixture
def attack_table(record_property: Callable[[str, object], None]) -> AttackTable:
    """The table of attacks, to which a test adds rows."""
    return AttackTable(record_property)


@pytest.hookimpl(tryfirst=True)  # before pytest evaluates -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that add to the table."""
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.add_marker(MARK)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, if a test has added to it."""
    reports = [each for found in terminalreporter.stats.values() for each in found]
    # Each report of a test repeats what the ones before have.
    rows = [
        value
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for name, value in report.user_properties
        if name == FIXTURE
    ]
    if rows:
        terminalreporter.section("attacks")
        terminalreporter.write_line(table(_HEAD, summary(rows)))


def summary(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """Return one line for each kind, in alphabetical order: sums, and the worst of the rest.

    Args:
        rows: As :meth:`AttackTable.add` records them.
    """
    kinds: dict[str, list[Row]] = {}
    for kind, *figures in rows:
        kinds.setdefault(kind, []).append(figures)
    merge: tuple[Callable[[Iterable[float]], float], ...] = (sum, sum, sum, max, max)
    lines = []
    for kind, found in sorted(kinds.items()):
        cells = [kind, str(len(found))]
        for index, each in enumerate(merge):
            known = [figures[index] for figures in found if figures[index] is not None]
            value = each(known) if known else None
            is_time = index == len(merge) - 1
            cells.append("-" if value is None else f"{value:.2f} s" if is_time else str(value))
        lines.append(tuple(cells))
    return lines
