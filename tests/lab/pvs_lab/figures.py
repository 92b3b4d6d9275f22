"""Figures that tests have measured, shown when all have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def show(terminal: pytest.TerminalReporter) -> None:
    """Print what tests have noted by ``record_property``, a line each."""
    reports = [each for found in terminal.stats.values() for each in found]
    figures = {
        (report.nodeid.partition("::")[2], name): value
        for report in reports
        for name, value in getattr(report, "user_properties", [])
    }
    if figures:
        terminal.section("measured")
    for (test, name), value in sorted(figures.items()):
        terminal.write_line(f"{test}: {name}: {value}")
