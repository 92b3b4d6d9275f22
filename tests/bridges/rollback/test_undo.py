"""After any failure, the Pi is reachable as before."""

from __future__ import annotations

import pytest
from bridges.rollback.bridge import PENDING, UNREACHABLE, Bridge
from bridges.rollback.state import State

_ARM = "pvs-bridge rollback arm --id {0} --controller {0} --interfaces eth0,wlan0"
_REACHABLE = {"pvs_link_method": "static", "pvs_link_address": "172.27.153.9/24"}


def assert_undone(bridge: Bridge, before: State, reason: str) -> None:
    """Check that the Pi has its old state and the reason, and that no change is pending."""
    assert bridge.settles_as(before) - before == {}
    assert bridge.last_undone()["reason"] == reason
    assert bridge.traces() == []


@pytest.mark.core
def test_an_unreachable_address_is_undone(bridge: Bridge) -> None:
    before = bridge.state()
    run = bridge.provision(UNREACHABLE)
    assert run.status != 0
    reason = "it was not confirmed within 30 s"
    assert run.says(f"{bridge.name} has undone the change of its network: {reason}")
    assert_undone(bridge, before, reason)
    undone = bridge.last_undone()
    assert run.says(", ".join(undone["files"]))
    assert run.says(f"The rejected files are in {undone['folder']} on the Pi")
    rejected = bridge.output("bridge", f"grep -rlF 192.168.99.21 {undone['folder']}").split()
    assert rejected
    assert {path.removeprefix(undone["folder"]) for path in rejected} <= {*undone["files"]}


def test_a_killed_run_is_undone_after_the_timeout(bridge: Bridge) -> None:
    before = bridge.state()
    with bridge.running(UNREACHABLE):
        assert bridge.comes_to("192.168.99.21")
    assert_undone(bridge, before, "it was not confirmed within 30 s")


@pytest.mark.core
def test_a_power_cut_is_undone_before_the_network_starts(bridge: Bridge) -> None:
    before = bridge.state()
    with bridge.running({**UNREACHABLE, "rollback_timeout_seconds": 300}) as end:
        assert bridge.comes_to("192.168.99.21")
        bridge.reboot()
        run = end()
    assert run.status != 0
    reason = "the Pi was restarted before it was confirmed"
    assert run.says(reason)
    assert_undone(bridge, before, reason)
    journal = bridge.output("bridge", "journalctl --boot --output=cat --unit=pvs-bridge-rollback")
    assert reason in journal
    shown = bridge.output(
        "bridge",
        "systemctl show --property=ExecMainExitTimestampMonotonic --value pvs-bridge-rollback; "
        "for unit in NetworkManager dhcpcd; do systemctl show --value "
        "--property=ExecMainStartTimestampMonotonic $unit; done",
    )
    undone, *started = (int(each) for each in shown.split())
    assert 0 < undone < max(started)
    assert reason in bridge.output("bridge", "pvs-bridge rollback status")


def test_a_task_that_fails_after_the_first_change_is_undone_at_once(bridge: Bridge) -> None:
    bridge.output("bridge", "mv /etc/hosts /root/ && mkdir /etc/hosts")
    try:
        before = bridge.state()
        run = bridge.provision(_REACHABLE)
        assert run.status != 0
        assert run.says("what this run has changed of the network was undone")
        assert_undone(bridge, before, 'the task "Set the host name" failed')
    finally:
        bridge.output("bridge", "rmdir /etc/hosts && mv /root/hosts /etc/")


def test_a_change_whose_command_fails_is_undone_at_once(
    bridge: Bridge,
) -> None:
    # The shell finds this one first.
    fails = "/usr/local/sbin/hostnamectl"
    bridge.output("bridge", f"ln -s /bin/false {fails}")
    try:
        before = bridge.state()
        # With tags, as in a quick run.
        run = bridge.provision(_REACHABLE, "--tags=pvs_link,uplink")
        assert run.status != 0
        assert run.says(f"{bridge.name} has undone the change of its network: it could not")
        assert_undone(bridge, before, "it could not be applied")
    finally:
        bridge.output("bridge", f"rm {fails}")


def test_a_killed_undo_is_repeated(bridge: Bridge) -> None:
    before = bridge.state()
    bridge.output("bridge", f"{_ARM.format('anna')} --timeout-seconds 3")
    bridge.output("bridge", "echo 192.0.2.7 wrong >> /etc/hosts; hostname wrong")
    unit = "pvs-bridge-rollback-deadline.service"
    bridge.output(
        "bridge",
        f"since=$(date +%s); until journalctl --since=@$since --unit={unit} | grep -q /etc/hosts; "
        f"do sleep 0.05; done; systemctl kill --signal=KILL {unit}",
    )
    assert bridge.exists(PENDING)
    assert bridge.waits_for(PENDING, there=False)
    assert_undone(bridge, before, "it was not confirmed within 3 s")
