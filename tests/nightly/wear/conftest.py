"""Fixtures: a bridge with a card that is written to, and what a test needs of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from nightly.wear.counted import CountedPi
from nightly.wear.pi import WornPi

from pvs_lab import figures

PIS = ("trixie-networkmanager", "bookworm-dhcpcd")


@pytest.fixture(scope="session")
def made() -> Iterator[WornPi]:
    """A Pi that has been made a bridge."""
    bridge = WornPi(f"t-wear-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")
    try:
        bridge.up()
        yield bridge
    finally:
        bridge.command("down")


@pytest.fixture
def bridge(made: WornPi) -> WornPi:
    """The bridge, healthy, whatever the test before has done."""
    made.say("power-on")
    made.is_well()
    return made


@pytest.fixture(scope="session", params=PIS)
def counted(request: pytest.FixtureRequest) -> Iterator[CountedPi]:
    """A bridge in a container, whose card counts what is written to it."""
    pi = CountedPi(*request.param.split("-"))
    try:
        pi.up()
        yield pi
    finally:
        pi.command("down")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have measured."""
    figures.show(terminalreporter, "tests/nightly/wear/")
