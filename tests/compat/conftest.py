"""Fixtures: a bridge in a lab, of the newest and the oldest release, whose plant stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from compat.house import LOCKED, OPEN, VARIABLES, House

PIS = ("trixie-networkmanager", pytest.param("bookworm-dhcpcd", marks=pytest.mark.slow))
# At noon, and for ever: what is read twice is the same.
_SIMULATOR = "--latency-seconds 0.5 --panels 12 --clock 2026-06-21T20:00:00Z --clock-scale 0"


@pytest.fixture(scope="session", params=PIS)
def lab(request: pytest.FixtureRequest) -> Iterator[House]:
    """A bridge that was made while the firmware was an older one."""
    release, backend = request.param.split("-")
    house = House(f"t-compat-{release}")
    try:
        house.up_provisioned(release, backend, VARIABLES, f"--simulator={_SIMULATOR}")
        yield house
    finally:
        house.command("down")


@pytest.fixture
def older(lab: House) -> House:
    """The bridge before a PVS with the older firmware, whose record is empty."""
    lab.install(OPEN)
    lab.reset()
    return lab


@pytest.fixture
def locked(lab: House) -> House:
    """The bridge before a PVS whose firmware has closed the older interface."""
    lab.install(LOCKED)
    lab.reset()
    return lab
