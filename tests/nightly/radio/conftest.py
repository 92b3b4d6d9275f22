"""Fixtures: a bridge with a radio for each network backend, made over the radio by site.yml."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
from nightly.radio.bridge import RadioBridge

from pvs_lab import figures
from pvs_lab.options import BACKENDS

# One release for each backend.
_RELEASES = {"networkmanager": "trixie", "dhcpcd": "bookworm"}
# Its answers come at once, at noon.
_SIMULATOR = "--simulator=--latency-seconds 0 --clock 2026-06-21T20:00:00Z"


@pytest.fixture(scope="session", params=BACKENDS)
def made(request: pytest.FixtureRequest) -> Iterator[RadioBridge]:
    """A Pi that has been made a bridge, by way of the access point that it knew already."""
    backend = request.param
    process = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    bridge = RadioBridge(f"t-radio-{backend}-{process}")
    bridge.command(
        "up", "--radio", f"--release={_RELEASES[backend]}", f"--backend={backend}", _SIMULATOR
    )
    try:
        bridge.good_run({})
        yield bridge
    finally:
        bridge.command("down")


@pytest.fixture
def bridge(made: RadioBridge) -> RadioBridge:
    """The bridge at home, whatever the test before has done."""
    made.come_home()
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the access points have said to a failed test's report."""
    report = yield
    for each in item.funcargs.values():
        if isinstance(each, RadioBridge) and report.failed:
            report.sections.append(("the access points", each.access_points.log()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have measured."""
    figures.show(terminalreporter)
