"""Fixtures: a bridge in a lab, of the newest and the oldest release, that looks after itself."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from care.patient import VARIABLES, Patient

from pvs_lab import evidence
from pvs_lab.surroundings import Surroundings

_QUICK = "--latency-seconds 0.5 --panels 12"
PIS = ("trixie-networkmanager", pytest.param("bookworm-dhcpcd", marks=pytest.mark.slow))


@pytest.fixture(scope="session")
def made(request: pytest.FixtureRequest) -> Iterator[Patient]:
    """A bridge whose timer is stopped, so that a test decides when it is looked after."""
    release, backend = request.param.split("-")
    patient = Patient(f"t-care-{release}")
    patient.command("up", f"--release={release}", f"--backend={backend}", f"--simulator={_QUICK}")
    try:
        patient.good_run(VARIABLES)
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the bridge's journal to a failed test's report, as it is gone soon after."""
    report = yield
    found = {each for each in item.funcargs.values() if isinstance(each, Surroundings)}
    for each in found:
        evidence.add(report, each)
    return report
