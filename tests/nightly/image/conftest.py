"""Fixtures: the image under test, a time limit, and the logs of failed tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import pytest
from nightly.image.built_image import built_image
from nightly.image.flashed_pi import TIMEOUT_SECONDS, FlashedPi

from pvs_lab import figures

# The limit of a test with all its boots, so that a hanging guest does not block the run.
_LONGEST_SECONDS = 2 * TIMEOUT_SECONDS


@pytest.fixture(scope="session")
def image() -> Path:
    """The unpacked image under test, which tests must not modify."""
    return built_image()


@pytest.fixture(scope="session")
def process() -> str:
    """The name of this pytest process, for unique lab names."""
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")


def _bark(_number: int, _frame: FrameType | None) -> None:
    raise AssertionError(f"the test has taken longer than {_LONGEST_SECONDS} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Limit the duration of each test."""
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
            report.sections.append((f"{each.name}: logs of the Pi", each.evidence()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have measured."""
    figures.show(terminalreporter)
