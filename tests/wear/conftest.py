"""Fixtures: a bridge with a card that is written to, and what a test needs of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from wear.pi import WornPi

from pvs_lab import figures


@pytest.fixture(scope="session")
def made() -> Iterator[WornPi]:
    """A Pi that has been made a bridge, and has lost its power once since: /tmp moves by a boot."""
    bridge = WornPi(f"t-wear-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")
    bridge.up()
    try:
        # With all of the rules for udev, of which there is a file.
        bridge.good_run({"appliance_leds": False})
        bridge.reboot()
        yield bridge
    finally:
        bridge.command("down")


@pytest.fixture
def bridge(made: WornPi) -> WornPi:
    """The bridge, healthy, whatever the test before has done."""
    made.say("power-on")
    made.is_well()
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have measured."""
    figures.show(terminalreporter)
