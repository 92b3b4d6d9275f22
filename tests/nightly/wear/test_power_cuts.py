"""The plug is pulled again and again while the Pi writes: its card stays whole, and what it holds.

A pulled plug is the end of QEMU by SIGKILL. What it had written stays, as on a card that keeps its
promises; a card that loses what it has confirmed is not shown here.
"""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nightly.wear.pi import PATIENCE_SECONDS, WornPi

Record = Callable[[str, object], None]

_SEED = os.environ.get("PVS_BRIDGE_POWER_CUT_SEED") or str(secrets.randbelow(10**6))
# Thirty together; five tell sooner that something is wrong.
_CUTS = (5, 25)

_FOLDER = "/var/lib/pvs-bridge-wear"
_PROGRAM = "/usr/local/lib/pvs-bridge-wear.py"
_CONSOLE = "/dev/ttyS0"
_UNIT = "/etc/systemd/system/pvs-bridge-wear.service"
_UNIT_TEXT = f"""[Unit]
DefaultDependencies=no
After=local-fs.target systemd-journald.socket

[Service]
# What the Pi has to do comes first.
Nice=10
ExecStart=/usr/bin/python3 {_PROGRAM} {_FOLDER} {_CONSOLE}
"""
_WANTED = "/etc/systemd/system/sysinit.target.wants/pvs-bridge-wear.service"
_START = f"ln -s {_UNIT} {_WANTED}; sync; systemctl daemon-reload; systemctl start pvs-bridge-wear"
# What was written stays: its numbers go on in the next test.
_REMOVE = f"systemctl stop pvs-bridge-wear; rm {_PROGRAM} {_UNIT} {_WANTED}"
_EVENTS = "/var/lib/pvs-bridge-monitor/events.jsonl"
# A bridge that is well has none of its own.
_EVENT = f"""python3 -c '
import sys
from pathlib import Path
sys.path.insert(0, "/usr/local/lib/pvs-bridge")
from pvs_bridge.monitor import events
event = events.Event("warning", "before the cuts", None, 0)
events.append(Path("{_EVENTS}"), event, events.Quota())'"""
# Seconds of this machine.
_BOOT_SECONDS = 30.0
_RUN_SECONDS = (5.0, 40.0)
_MOMENT_SECONDS = 1.0
# How many events are written down between a boot and a cut.
_WRITTEN = (1, 20)
# What the runs of the playbook change, to and fro.
_CHANGES: tuple[dict[str, Any], ...] = (
    {"proxy_cache_seconds": 60, "appliance_journal_mib": 16, "monitor_card_free_mib": 200},
    {},
)


@pytest.fixture
def writing(bridge: WornPi) -> Iterator[WornPi]:
    """The bridge, and a program on it that writes from its boot on."""
    bridge.write(_PROGRAM, Path(__file__).with_name("writer.py").read_text())
    bridge.write(_UNIT, _UNIT_TEXT)
    bridge.work(_START)
    yield bridge
    bridge.say("power-on")
    bridge.waits_for_agent()
    bridge.work(_REMOVE)


def acknowledged(bridge: WornPi) -> int:
    """The number of the last event that was said to be on the card."""
    return int((re.findall(r"written down: (\d+)\.", bridge.console) or ["0"])[-1])


def while_it_boots(_: WornPi, chance: random.Random) -> None:
    """Wait for any moment of a boot."""
    time.sleep(chance.uniform(0, _BOOT_SECONDS))


def while_it_writes(bridge: WornPi, chance: random.Random) -> None:
    """Wait until some events are written down, and some moment of the next one."""
    wanted = acknowledged(bridge) + chance.randint(*_WRITTEN)
    assert bridge.until(lambda: acknowledged(bridge) >= wanted, PATIENCE_SECONDS), bridge.console
    time.sleep(chance.uniform(0, _MOMENT_SECONDS))


def while_it_is_provisioned(bridge: WornPi, chance: random.Random) -> None:
    """Wait until a run of the playbook is anywhere on its way; it ends with the Pi."""
    bridge.wait_for_boot()
    with bridge.running(chance.choice(_CHANGES)):
        time.sleep(chance.uniform(*_RUN_SECONDS))
        bridge.say("power-off")


# One after the other, so that each has its share whatever the chance.
_MOMENTS = (
    while_it_writes, while_it_boots, while_it_writes, while_it_is_provisioned, while_it_boots,
)  # fmt: skip


@pytest.mark.parametrize("cuts", _CUTS)
def test_a_card_whose_plug_is_pulled_while_it_is_written_to_stays_whole(
    writing: WornPi, record_property: Record, cuts: int
) -> None:
    record_property("seed", _SEED)
    chance = random.Random(f"{_SEED} {cuts}")  # noqa: S311 - no secret
    writing.work(_EVENT)
    known = writing.work(f"cat {_EVENTS}").splitlines()
    for number in range(cuts):
        writing.say("power-on")
        _MOMENTS[number % len(_MOMENTS)](writing, chance)
        writing.say("power-off")
    promised = acknowledged(writing)
    record_property("the last event that was said to be on the card", promised)

    writing.say("power-on")
    writing.is_well()
    assert "EXT4-fs error" not in writing.console
    numbers = [int(each["text"]) for each in events(writing, f"{_FOLDER}/events.jsonl")]
    # The oldest go when there is no more room; between those that are kept, none is missing.
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[-1] >= promised
    assert len(json.loads(writing.work(f"cat {_FOLDER}/day.json"))["points"]) > 0
    assert writing.work(f"pvs-bridge history --folder {_FOLDER}/history export")
    assert not writing.work(f"ls {_FOLDER}/history").count("damaged")
    assert_ours_are_whole(writing, known)

    writing.work("systemctl stop pvs-bridge-wear")
    writing.good_run({})
    writing.shut_down()
    status, said = writing.check_card()
    assert status == 0, said


def events(bridge: WornPi, path: str) -> list[dict[str, Any]]:
    """What a file of events holds, all of whose lines are whole."""
    return [json.loads(line) for line in bridge.work(f"cat {path}").splitlines()]


def assert_ours_are_whole(bridge: WornPi, known: list[str]) -> None:
    """Each file of the project's parses, no package is half installed, no event is lost."""
    bridge.work(
        "for file in $(find /etc/pvs-bridge /var/lib/pvs-bridge* -name '*.json'); do "
        "python3 -m json.tool $file > /dev/null || { echo $file; exit 1; }; done"
    )
    assert bridge.work("dpkg --audit") == ""
    events(bridge, _EVENTS)
    assert bridge.work(f"cat {_EVENTS}").splitlines()[: len(known)] == known
