"""A confirmed change stays, and its snapshot is removed; a run without a change arms nothing."""

from __future__ import annotations

import getpass
import json
import re
import socket
from pathlib import Path

from bridges.rollback.bridge import PENDING, UNREACHABLE, Bridge

_ARM = "pvs-bridge rollback arm --id {0} --controller {0}@laptop --interfaces eth0,wlan0"
_FOLDER = "stat --format=%y /var/lib/pvs-bridge/rollback"
# When the change began and ended on the Pi, which waits at first until its answer has been heard.
_CHANGE_TIMES = (
    "systemctl show --value --property=ExecMainStartTimestampMonotonic "
    "--property=ExecMainExitTimestampMonotonic pvs-bridge-rollback-change"
)
_HEARD_SECONDS = 2
# 5 s are promised; this machine may do other things beside.
_MOST_ADDED_SECONDS = 15


def at_address(bridge: Bridge, address: str, folder: Path) -> str:
    """Write an inventory with the Pi's address; return the option of ansible-playbook."""
    inventory = folder / "moved.yml"
    hosts = {bridge.name: {"ansible_host": address}}
    inventory.write_text(json.dumps({"pvs_bridges": {"hosts": hosts}}))
    return f"--inventory={inventory}"


def added_seconds(bridge: Bridge, confirm_seconds: float) -> float:
    """Return how much longer a run took than the commands of its change."""
    begun, ended = (int(each) for each in bridge.output("bridge", _CHANGE_TIMES).split())
    return confirm_seconds - ((ended - begun) / 1e6 - _HEARD_SECONDS)


def test_a_run_without_a_change_arms_nothing(bridge: Bridge) -> None:
    before = bridge.output("bridge", _FOLDER)
    assert bridge.good_run({}).changed == []
    assert bridge.output("bridge", _FOLDER) == before
    assert bridge.traces() == []


def test_a_changed_address_and_name_are_followed(bridge: Bridge, tmp_path: Path) -> None:
    before = bridge.state()
    moved = {
        "uplink_method": "static",
        "uplink_address": "192.168.20.21/24",
        "uplink_gateway": "192.168.20.1",
        "uplink_dns_servers": ["192.168.20.1"],
        "uplink_hostname": "shed",
    }
    run = bridge.good_run(moved)
    assert run.says(f"{bridge.name} is at 192.168.20.21 now")
    assert bridge.addresses() == ["192.168.20.21"]
    assert bridge.state().hostname == "shed"
    assert bridge.traces() == []
    added = [added_seconds(bridge, run.confirm_seconds)]
    there = at_address(bridge, "192.168.20.21", tmp_path)
    assert bridge.good_run(moved, there).changed == []
    run = bridge.good_run({}, there)
    assert bridge.settles_as(before) - before == {}
    assert bridge.traces() == []
    added.append(added_seconds(bridge, run.confirm_seconds))
    # A machine that was too slow for it has not left the bridge elsewhere, for the tests to come.
    assert max(added) < _MOST_ADDED_SECONDS


def test_a_second_controller_is_refused_with_the_name_of_the_first(bridge: Bridge) -> None:
    before = bridge.state()
    with bridge.running({**UNREACHABLE, "rollback_timeout_seconds": 300}):
        assert bridge.waits_for(PENDING, there=True)
    # The first controller is gone; its module on the Pi finishes.
    assert bridge.until(lambda: bridge.run("bridge", "pgrep -f '[A]nsiballZ'")[0] != 0)
    armed = bridge.state()
    assert armed != before
    run = bridge.provision({"uplink_hostname": "shed"})
    first = re.escape(f"{getpass.getuser()}@{socket.gethostname()}")
    assert run.status != 0
    assert re.search(rf"{first} changes the network of this Pi,\s+since \d+ s", run.output)
    assert bridge.settles_as(armed) - armed == {}
    assert "previous network is restored" in bridge.output("bridge", "pvs-bridge rollback undo")
    assert bridge.settles_as(before) - before == {}


def test_a_user_can_show_confirm_and_undo_a_change(bridge: Bridge) -> None:
    before = bridge.state()
    hosts = bridge.output("bridge", "cat /etc/hosts")
    bridge.output("bridge", f"{_ARM.format('anna')} --timeout-seconds 300")
    said = bridge.output("bridge", "pvs-bridge rollback status")
    assert re.match(r"a change by anna@laptop, \d+ s old, is not confirmed yet; .* in \d+ s", said)
    status, said = bridge.run("bridge", f"{_ARM.format('ben')} --timeout-seconds 300")
    assert status != 0
    assert re.match(r"anna@laptop changes the network of this Pi since \d+ s", said)
    bridge.output("bridge", "echo 192.0.2.7 right >> /etc/hosts")
    assert bridge.output("bridge", "pvs-bridge rollback confirm").startswith("confirmed")
    assert bridge.traces() == []
    status, said = bridge.run("bridge", "pvs-bridge rollback confirm")
    assert (status, said) == (1, "no network change is pending\n")

    bridge.output("bridge", f"{_ARM.format('anna')} --timeout-seconds 300")
    bridge.output("bridge", "echo 192.0.2.8 wrong >> /etc/hosts; hostname wrong")
    assert "previous network is restored" in bridge.output("bridge", "pvs-bridge rollback undo")
    assert bridge.output("bridge", "cat /etc/hosts") == f"{hosts}192.0.2.7 right\n"
    said = bridge.output("bridge", "pvs-bridge rollback status")
    assert re.search(r"last undone: .*, a change by anna@laptop: a user requested it", said)
    assert bridge.run("bridge", "pvs-bridge rollback undo")[0] == 1
    bridge.output("bridge", "sed -i /192.0.2.7/d /etc/hosts")
    assert bridge.settles_as(before) - before == {}
