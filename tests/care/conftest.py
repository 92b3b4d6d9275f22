"""Fixtures: a monitored bridge in a lab, with the newest and the oldest release."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from care.monitored import VARIABLES, MonitoredBridge

from pvs_lab import evidence
from pvs_lab.surroundings import Surroundings

_QUICK = "--latency-seconds 0.5 --panels 12"
PIS = ("trixie-networkmanager", pytest.param("bookworm-dhcpcd", marks=pytest.mark.slow))


@pytest.fixture(scope="session")
def made(request: pytest.FixtureRequest) -> Iterator[MonitoredBridge]:
    """Make a bridge whose timer is stopped, so that a test decides when the monitor runs."""
    release, backend = request.param.split("-")
    bridge = MonitoredBridge(f"t-care-{release}")
    bridge.command("up", f"--release={release}", f"--backend={backend}", f"--simulator={_QUICK}")
    try:
        bridge.good_run(VARIABLES)
        bridge.output("bridge", "systemctl stop pvs-bridge-monitor.timer")
        yield bridge
    finally:
        bridge.command("down")


@pytest.fixture
def bridge(made: MonitoredBridge) -> MonitoredBridge:
    """Return that bridge, healthy, without state and events."""
    made.reset()
    if not made.run_monitor()["healthy"]:
        # The test before has failed, or its last address is still being probed.
        made.output("bridge", "pvs-bridge monitor step restart-network")
        made.recovers()
        made.reset()
        made.run_monitor()
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test on both."""
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
