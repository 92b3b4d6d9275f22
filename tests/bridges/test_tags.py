"""A run of one tag alone leaves programs that start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridges.rollback.bridge import Bridge

pytestmark = pytest.mark.slow

SERVICE = "pvs-bridge-monitor.service"


@pytest.fixture
def new_pi() -> Iterator[Bridge]:
    """A Pi that was never provisioned."""
    bridge = Bridge("t-tags")
    bridge.command("up", "--release=trixie", "--backend=networkmanager")
    try:
        yield bridge
    finally:
        bridge.command("down")


def test_the_monitor_alone_starts_on_a_new_pi(new_pi: Bridge) -> None:
    run = new_pi.provision({}, "--tags=monitor")
    assert run.status == 0, run.output
    assert new_pi.output("bridge", "systemctl is-active pvs-bridge-monitor.timer") == "active\n"
    status, said = new_pi.run("bridge", f"systemctl start {SERVICE}")
    journal = new_pi.output("bridge", f"journalctl --unit={SERVICE} --no-pager")
    assert status == 0, said + journal
    # Also the starts by the timer, which begin while the run goes on.
    assert "Traceback" not in journal
    assert "Failed with result" not in journal
