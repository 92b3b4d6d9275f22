"""Fixtures: a bridge in a lab, of the newest and the oldest release, whose plant stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridges.compat.house import LOCKED, OPEN, VARIABLES, House

PIS = ("trixie-networkmanager", pytest.param("bookworm-dhcpcd", marks=pytest.mark.slow))
# The clock stands still at noon, so that two readings are equal.
SIMULATOR = "--latency-seconds 0.5 --clock 2026-06-21T20:00:00Z --clock-scale 0"


@pytest.fixture(scope="session", params=PIS)
def lab(request: pytest.FixtureRequest) -> Iterator[House]:
    """A bridge that was provisioned with older firmware."""
    release, backend = request.param.split("-")
    house = House(f"t-compat-{release}")
    try:
        house.up_provisioned(release, backend, VARIABLES, f"--simulator={SIMULATOR} --panels 12")
        yield house
    finally:
        house.command("down")


@pytest.fixture
def older(lab: House) -> House:
    """The bridge with a PVS with older firmware and an empty log."""
    lab.install(OPEN)
    lab.reset()
    return lab


@pytest.fixture
def locked(lab: House) -> House:
    """The bridge with a PVS whose firmware has closed the old API."""
    lab.install(LOCKED)
    lab.reset()
    return lab
