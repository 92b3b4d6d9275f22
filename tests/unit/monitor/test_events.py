"""What the monitor writes to the card: little, bounded, and complete after a power cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.monitor.conftest import MakeBridge
from unit.monitor.monitored import NOON

from pvs_bridge.host.probe import Signal
from pvs_bridge.monitor.events import LONGEST_BYTES, PER_DAY, Event, Quota, append


def event(number: int, up_seconds: int = 60) -> Event:
    return Event("step", f"number {number} {'.' * 250}", None, up_seconds)


def test_a_fault_that_ends_before_the_next_run_is_not_an_event(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.run()
    for _ in range(10):
        bridge.probe.signals["wlan0"] = Signal.NONE
        bridge.minutes(1)
        bridge.probe.signals["wlan0"] = Signal.UP
        bridge.minutes(1)
    assert bridge.events == []


def test_an_event_has_a_time_only_if_the_clock_is_right(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.clock_offset = None
    bridge.probe.signals["wlan0"] = Signal.NONE
    bridge.minutes(2)
    bridge.clock_offset = NOON
    bridge.probe.signals["wlan0"] = Signal.UP
    bridge.minutes(1)
    times = [(each["kind"], each["time"], each["up_seconds"]) for each in bridge.events]
    assert times[0] == ("broken", None, 180)
    assert times[-1] == ("recovered", round(NOON) + 240, 240)


def test_a_flapping_link_writes_a_bounded_file(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(reboots=False)
    for _ in range(110):
        bridge.probe.signals["wlan0"] = Signal.NONE
        bridge.minutes(3)
        bridge.probe.signals["wlan0"] = Signal.UP
        bridge.minutes(1)
    assert bridge.paths.events.stat().st_size <= LONGEST_BYTES
    assert f"{PER_DAY} events within a day: no more are written today" in bridge.texts


def test_the_file_keeps_the_newest_complete_lines(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    for number in range(600):
        append(file, event(number), Quota())
        assert file.stat().st_size <= LONGEST_BYTES
    numbers = [int(json.loads(line)["text"].split()[1]) for line in file.read_text().splitlines()]
    assert numbers == list(range(numbers[0], 600))
    assert len(numbers) > 90


def test_an_event_after_half_a_line_starts_a_new_line(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"time": 1, "kind": "st')
    append(file, event(1), Quota())
    assert len(file.read_text().splitlines()) == 2
    assert json.loads(file.read_text().splitlines()[1])["kind"] == "step"


def test_each_day_has_a_quota_of_events(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    quota = Quota()
    for number in range(PER_DAY + 50):
        quota = append(file, event(number), quota)
    assert quota.written == PER_DAY + 1
    quota = append(file, event(0, up_seconds=86_461), quota)
    assert quota.written == 1


def test_a_full_card_does_not_stop_recovery(make_bridge: MakeBridge, tmp_path: Path) -> None:
    bridge = make_bridge()
    # Root cannot write to a folder of this name either.
    bridge.paths.events.mkdir()
    bridge.probe.ips["eth0"] = []
    bridge.minutes(4)
    assert bridge.host.did == ["nmcli --wait 45 connection up pvs-bridge-link"]
    assert any("cannot write to the card" in text for text in bridge.log)
    assert tmp_path.exists()


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"faults": 3}', '{"unknown": 1}'])
def test_an_unreadable_state_is_replaced(make_bridge: MakeBridge, damaged: str) -> None:
    bridge = make_bridge()
    bridge.paths.state.write_text(damaged)
    bridge.run()
    assert bridge.state.links[-1]["state"] == "ok"


def test_an_idle_day_writes_a_few_hundred_kilobytes_at_most(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    written = 0
    before = None
    for _ in range(24 * 60):
        bridge.minutes(1)
        if bridge.paths.day.exists():
            stat = bridge.paths.day.stat()
            written += stat.st_size if (stat.st_mtime_ns, stat.st_ino) != before else 0
            before = (stat.st_mtime_ns, stat.st_ino)
    assert 0 < written < 300_000
    assert bridge.events == []
