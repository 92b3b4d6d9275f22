"""Fixtures: a bridge in a lab, of the newest and the oldest release, that looks after itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from care.patient import VARIABLES, Patient

_QUICK = "--latency-seconds 0.5 --panels 12"
PIS = ("trixie-networkmanager", pytest.param("bookworm-dhcpcd", marks=pytest.mark.slow))


@pytest.fixture(scope="session")
def made(request: pytest.FixtureRequest) -> Iterator[Patient]:
    """A bridge whose timer is stopped, so that a test decides when it is looked after."""
    release, backend = request.param.split("-")
    patient = Patient(f"t-care-{release}")
    try:
        patient.up_provisioned(release, backend, VARIABLES, f"--simulator={_QUICK}")
        patient.output("bridge", "systemctl stop pvs-bridge-monitor.timer")
        yield patient
    finally:
        patient.command("down")


@pytest.fixture
def patient(made: Patient) -> Patient:
    """That bridge, well, and with nothing remembered."""
    made.forget()
    if not made.look()["healthy"]:
        # The test before has failed, or its last address is still being probed.
        made.output("bridge", "pvs-bridge-monitor step restart-network")
        made.recovers()
        made.forget()
        made.look()
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have every test run on both."""
    if "made" in metafunc.fixturenames:
        metafunc.parametrize("made", PIS, indirect=True, scope="session")
