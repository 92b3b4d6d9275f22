"""Switch between the backends; each test continues from the one before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridges.rollback.bridge import UNREACHABLE, Bridge
from bridges.rollback.conftest import Made

_UNITS = {"networkmanager": "NetworkManager", "dhcpcd": "dhcpcd"}


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def bridge(request: pytest.FixtureRequest, lab_of: Made) -> Iterator[Bridge]:
    """A Pi that runs NetworkManager, to be switched to dhcpcd."""
    with lab_of(f"t-switch-{request.param}", request.param, "networkmanager") as made:
        made.good_run({"bridge_backend": "dhcpcd"})
        yield made


def active_backends(bridge: Bridge) -> list[str]:
    """Return the backends that run."""
    return [
        backend
        for backend, unit in _UNITS.items()
        if bridge.output("bridge", f"systemctl is-active {unit} || true").strip() == "active"
    ]


def assert_stays(bridge: Bridge, backend: str) -> None:
    """Check that only this backend runs, that a second run changes nothing, and after a reboot."""
    assert active_backends(bridge) == [backend]
    assert bridge.good_run({"bridge_backend": backend}).changed == []
    bridge.reboot()
    assert active_backends(bridge) == [backend]
    assert bridge.good_run({"bridge_backend": backend}).changed == []
    assert bridge.output("bridge", "grep ^nameserver /etc/resolv.conf").split() == [
        "nameserver",
        "192.168.20.1",
    ]


def assert_undone_by_time(bridge: Bridge, backend: str) -> None:
    """Check that a switch to an unreachable backend is undone."""
    before = bridge.state()
    run = bridge.provision({**UNREACHABLE, "bridge_backend": backend})
    assert run.status != 0
    assert run.says("has undone the change of its network: it was not confirmed within 30 s")
    assert bridge.settles_as(before) - before == {}


def test_a_pi_that_ran_networkmanager_stays_with_dhcpcd(bridge: Bridge) -> None:
    assert_stays(bridge, "dhcpcd")


def test_an_unreachable_networkmanager_is_replaced_by_dhcpcd(bridge: Bridge) -> None:
    assert_undone_by_time(bridge, "networkmanager")


def test_a_power_cut_restores_dhcpcd(bridge: Bridge) -> None:
    before = bridge.state()
    change = {**UNREACHABLE, "rollback_timeout_seconds": 300, "bridge_backend": "networkmanager"}
    with bridge.running(change) as end:
        assert bridge.comes_to("192.168.99.21")
        bridge.reboot()
        run = end()
    reason = "the Pi was restarted before it was confirmed"
    assert run.status != 0
    assert run.says(reason)
    assert reason in bridge.output("bridge", "pvs-bridge rollback status")
    assert bridge.settles_as(before) - before == {}


def test_the_pi_switches_back_to_networkmanager_and_stays(bridge: Bridge) -> None:
    bridge.good_run({"bridge_backend": "networkmanager"})
    assert_stays(bridge, "networkmanager")


def test_an_unreachable_dhcpcd_is_replaced_by_networkmanager(bridge: Bridge) -> None:
    assert_undone_by_time(bridge, "dhcpcd")
