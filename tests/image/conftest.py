"""Fixtures: the shipped image; a watchdog, and what a failed test leaves behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import pytest
from image import shipped
from image.pi import PATIENCE_SECONDS, FlashedPi

from pvs_lab import figures

# A test and the boots that it needs. A guest that hangs must not cost the whole hour.
_LONGEST_SECONDS = 2 * PATIENCE_SECONDS


@pytest.fixture(scope="session")
def image() -> Path:
    """The image that is tested, unpacked; nobody writes to it."""
    return shipped.image()


@pytest.fixture(scope="session")
def process() -> str:
    """What tells this process of pytest from others in the names of labs."""
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")


def _bark(_number: int, _frame: FrameType | None) -> None:
    raise AssertionError(f"the test has taken longer than {_LONGEST_SECONDS} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Let no test take for ever."""
    before = signal.signal(signal.SIGALRM, _bark)
    signal.alarm(_LONGEST_SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the card's report, the Pi's journal and its console to a failed test's report."""
    report = yield
    for each in item.funcargs.values():
        if isinstance(each, FlashedPi) and report.failed:
            report.sections.append((f"{each.name}: what the Pi has written", each.evidence()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have measured."""
    figures.show(terminalreporter)
