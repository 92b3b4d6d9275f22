"""Figures that tests have measured, shown at the end of the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return columns of text; an empty row is an empty line.

    Args:
        head: the columns' names; the first two are words, the others hold figures.
        rows: the cells.
    """
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines if line) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=False))
        ).rstrip()
        for line in lines
    )


def show(terminal: pytest.TerminalReporter, folder: str = "") -> None:
    """Print what tests have noted by ``record_property``, a line each.

    Args:
        terminal: of pytest.
        folder: of the tests; all tests if empty.
    """
    reports = [each for found in terminal.stats.values() for each in found]
    figures = {
        (report.nodeid.partition("::")[2], name): value
        for report in reports
        if getattr(report, "nodeid", "").startswith(folder)
        for name, value in getattr(report, "user_properties", [])
    }
    if figures:
        terminal.section("measured")
    for (test, name), value in sorted(figures.items()):
        terminal.write_line(f"{test}: {name}: {value}")
