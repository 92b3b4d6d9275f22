"""Fixtures: a monitored bridge in a lab, with the newest and the oldest release."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridges.monitor.monitored import VARIABLES, MonitoredBridge

_QUICK = "--latency-seconds 0.5 --panels 12"
PIS = ("trixie-networkmanager", pytest.param("bookworm-dhcpcd", marks=pytest.mark.slow))


@pytest.fixture(scope="session")
def made(request: pytest.FixtureRequest) -> Iterator[MonitoredBridge]:
    """Make a bridge whose timer is stopped, so that a test decides when the monitor runs."""
    release, backend = request.param.split("-")
    bridge = MonitoredBridge(f"t-care-{release}")
    try:
        bridge.up_provisioned(release, backend, VARIABLES, f"--simulator={_QUICK}")
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
