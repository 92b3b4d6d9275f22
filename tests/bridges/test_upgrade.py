"""A Pi of an older version becomes a current bridge by one run, without a trace of that version."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from bridges.rollback.bridge import UNREACHABLE, Bridge

from pvs_lab.playbook import PROGRAM, telling_part

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

PROJECT = Path(__file__).resolve().parents[2]
# The last commit before the agent became one package.
OLD_VERSION = "bd818d2"
SIMULATOR = "--simulator=--latency-seconds 0.5 --clock 2026-06-21T20:00:00Z"
# Everything that belongs to this project, and the places where a version may leave something.
FOLDERS = (
    "/etc/systemd/system /etc/pvs-bridge /etc/haproxy /etc/avahi /etc/cron.d /etc/dnsmasq.d "
    "/etc/sudoers.d /etc/sysctl.d /etc/udev/rules.d /usr/local /var/lib/pvs-bridge*"
)
# A link that was broken at midnight, as the old version wrote it down.
EVENT = {"time": 1782079200, "up_seconds": 4000, "kind": "broken", "text": "The PVS is silent."}
RECORDS = "/var/lib/pvs-bridge-care"
# Restarts of haproxy, of the firewall and of the network, on a busy machine.
LONGEST_OUTAGE_SECONDS = 60
ASK = (
    "curl --silent --max-time 20 --output /dev/null --write-out '%{http_code}' "
    "'http://bridge/cgi-bin/dl_cgi?Command=DeviceList'"
)


class Watch:
    """A program of the home that asks for DeviceList all the time."""

    def __init__(self, bridge: Bridge) -> None:
        """Begin with no answer."""
        self.bridge = bridge
        self.answers: list[tuple[float, bool]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._ended.wait(1):
            status, said = self.bridge.run("client", ASK)
            seconds = float(self.bridge.output("client", "cut -d' ' -f1 /proc/uptime"))
            self.answers.append((seconds, status == 0 and said == "200"))

    def __enter__(self) -> Self:
        """Ask."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ask no more."""
        self._ended.set()
        self._thread.join()

    @property
    def longest_outage_seconds(self) -> float:
        """How long DeviceList was not answered, at most."""
        good = [seconds for seconds, answered in self.answers if answered]
        return max(after - before for before, after in itertools.pairwise(good))


@pytest.fixture(scope="module")
def old_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it was."""
    folder = tmp_path_factory.mktemp("old")
    archive = subprocess.run(
        ["git", "archive", OLD_VERSION], cwd=PROJECT, capture_output=True, check=True
    ).stdout
    subprocess.run(["tar", "--extract"], cwd=folder, input=archive, check=True)
    return folder


@pytest.fixture
def old_bridge(old_project: Path) -> Iterator[Bridge]:
    """A bridge that the old version has made."""
    bridge = Bridge("t-upgrade")
    bridge.command("up", "--release=trixie", "--backend=networkmanager", SIMULATOR)
    try:
        made = subprocess.run(
            [PROGRAM, f"--inventory={PROJECT / 'inventory/lab'}",
             "--extra-vars=uplink_hostname=bridge", "ansible/site.yml"],
            cwd=old_project,
            env={**os.environ, "ANSIBLE_CONFIG": str(old_project / "ansible.cfg"),
                 "ANSIBLE_NOCOLOR": "1", "LAB": bridge.name},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, telling_part(made.stdout + made.stderr)
        yield bridge
    finally:
        bridge.command("down")


@pytest.fixture(scope="module")
def fresh_files() -> set[str]:
    """What a bridge has that never was of an older version."""
    bridge = Bridge("t-upgrade-fresh")
    try:
        bridge.up_provisioned("trixie", "networkmanager", {}, SIMULATOR)
        return files(bridge)
    finally:
        bridge.command("down")


def files(bridge: Bridge) -> set[str]:
    """Return the paths of a bridge, without bytecode, backups and what the monitor writes."""
    found = bridge.output("bridge", f"find {FOLDERS} 2> /dev/null || true").splitlines()
    return {
        path
        for path in found
        if "__pycache__" not in path
        and not path.endswith("~")
        and not path.startswith(("/var/lib/pvs-bridge-monitor", "/var/lib/pvs-bridge/rollback/"))
    }


def test_one_run_makes_a_current_bridge_and_leaves_nothing_of_the_old_version(
    fresh_files: set[str], old_bridge: Bridge
) -> None:
    bridge = old_bridge
    assert bridge.exists("/usr/local/sbin/pvs-bridge-care")
    bridge.output(
        "bridge", f"mkdir -p {RECORDS}; echo '{json.dumps(EVENT)}' > {RECORDS}/incidents.jsonl"
    )
    bridge.output("bridge", f"echo '{{}}' > {RECORDS}/day.json; touch {RECORDS}/rebooted")

    # The uplink changes in the same run: the name in the home is the same, the address is not.
    static = {
        "uplink_method": "static",
        "uplink_address": "192.168.20.20/24",
        "uplink_gateway": "192.168.20.1",
        "uplink_dns_servers": ["192.168.20.1"],
    }
    with Watch(bridge) as watch:
        run = bridge.good_run(static)
    assert "Apply the network and reconnect" in run.output
    assert bridge.traces() == []
    assert bridge.addresses() == ["192.168.20.20"]
    assert watch.longest_outage_seconds < LONGEST_OUTAGE_SECONDS
    assert watch.answers[-1][1]

    assert files(bridge) - fresh_files == set()
    assert fresh_files - files(bridge) == set()
    assert bridge.output("bridge", "ls -d /run/pvs-bridge-care* 2> /dev/null || true") == ""
    listed = "systemctl list-units --all --plain --no-legend 'pvs-bridge-*'"
    assert "care" not in bridge.output("bridge", listed)
    assert bridge.output("bridge", "systemctl --failed --no-legend --plain") == ""

    kept = bridge.output("bridge", "cat /var/lib/pvs-bridge-monitor/events.jsonl").splitlines()
    assert json.loads(kept[0]) == EVENT
    assert bridge.exists("/var/lib/pvs-bridge-monitor/day.json")
    assert bridge.exists("/var/lib/pvs-bridge-monitor/rebooted")
    assert bridge.output("bridge", "systemctl is-active pvs-bridge-monitor.timer") == "active\n"
    assert bridge.run("bridge", "systemctl start pvs-bridge-monitor.service") == (0, "")

    assert bridge.good_run(static).changed == []


def test_a_network_change_of_that_run_that_shuts_the_controller_out_is_undone(
    old_bridge: Bridge,
) -> None:
    bridge = old_bridge
    before = bridge.addresses()
    run = bridge.provision(UNREACHABLE)
    assert run.status != 0
    assert run.says("has undone the change of its network")
    assert bridge.addresses() == before
    assert bridge.traces() == []
    # It is the bridge that it was, and the next run upgrades it.
    assert bridge.until(lambda: bridge.run("client", ASK) == (0, "200"), 60)
    assert bridge.output("bridge", "systemctl is-active pvs-bridge-care.timer") == "active\n"
    bridge.good_run({})
    assert not bridge.exists("/usr/local/sbin/pvs-bridge-care")
