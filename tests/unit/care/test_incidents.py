"""What is written onto the card: little, bounded, and whole after a power cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.care.conftest import Watch
from unit.care.watching import NOON

from pvs_bridge.host.probe import Signal
from pvs_bridge.monitor.events import A_DAY, LONGEST_BYTES, Incident, Ration, append


def incident(number: int, up_seconds: int = 60) -> Incident:
    return Incident("step", f"number {number} {'.' * 250}", None, up_seconds)


def test_what_is_over_by_the_next_look_is_no_incident(watch: Watch) -> None:
    watched = watch()
    watched.look()
    for _ in range(10):
        watched.world.signals["wlan0"] = Signal.NONE
        watched.minutes(1)
        watched.world.signals["wlan0"] = Signal.UP
        watched.minutes(1)
    assert watched.incidents == []


def test_an_incident_has_its_time_or_says_that_nobody_knows_it(watch: Watch) -> None:
    watched = watch()
    watched.clock_offset = None
    watched.world.signals["wlan0"] = Signal.NONE
    watched.minutes(2)
    watched.clock_offset = NOON
    watched.world.signals["wlan0"] = Signal.UP
    watched.minutes(1)
    times = [(each["kind"], each["time"], each["up_seconds"]) for each in watched.incidents]
    assert times[0] == ("broken", None, 180)
    assert times[-1] == ("recovered", round(NOON) + 240, 240)


def test_a_link_that_flaps_for_days_writes_a_bounded_file(watch: Watch) -> None:
    watched = watch(reboots=False)
    for _ in range(110):
        watched.world.signals["wlan0"] = Signal.NONE
        watched.minutes(3)
        watched.world.signals["wlan0"] = Signal.UP
        watched.minutes(1)
    assert watched.places.incidents.stat().st_size <= LONGEST_BYTES
    assert f"{A_DAY} incidents within a day: no more are written down today" in watched.texts


def test_the_file_keeps_the_newest_in_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "incidents.jsonl"
    for number in range(600):
        append(file, incident(number), Ration())
        assert file.stat().st_size <= LONGEST_BYTES
    numbers = [int(json.loads(line)["text"].split()[1]) for line in file.read_text().splitlines()]
    assert numbers == list(range(numbers[0], 600))
    assert len(numbers) > 90


def test_behind_half_a_line_a_new_one_begins(tmp_path: Path) -> None:
    file = tmp_path / "incidents.jsonl"
    file.write_text('{"time": 1, "kind": "st')
    append(file, incident(1), Ration())
    assert len(file.read_text().splitlines()) == 2
    assert json.loads(file.read_text().splitlines()[1])["kind"] == "step"


def test_a_day_has_its_ration_and_the_next_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "incidents.jsonl"
    ration = Ration()
    for number in range(A_DAY + 50):
        ration = append(file, incident(number), ration)
    assert ration.written == A_DAY + 1
    ration = append(file, incident(0, up_seconds=86_461), ration)
    assert ration.written == 1


def test_a_card_that_is_full_stops_no_step(watch: Watch, tmp_path: Path) -> None:
    watched = watch()
    # A folder of this name is as unwritable, for root too.
    watched.places.incidents.mkdir()
    watched.world.ips["eth0"] = []
    watched.minutes(4)
    assert watched.hands.did == ["nmcli --wait 45 connection up pvs-bridge-link"]
    assert any("cannot be written down" in text for text in watched.said)
    assert tmp_path.exists()


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"faults": 3}', '{"unknown": 1}'])
def test_a_memory_that_cannot_be_read_is_begun_anew(watch: Watch, damaged: str) -> None:
    watched = watch()
    watched.places.memory.write_text(damaged)
    watched.look()
    assert watched.memory.links[-1]["state"] == "ok"


def test_an_idle_day_writes_a_few_hundred_kilobytes_at_most(watch: Watch) -> None:
    watched = watch()
    written = 0
    before = None
    for _ in range(24 * 60):
        watched.minutes(1)
        if watched.places.day.exists():
            stat = watched.places.day.stat()
            written += stat.st_size if (stat.st_mtime_ns, stat.st_ino) != before else 0
            before = (stat.st_mtime_ns, stat.st_ino)
    assert 0 < written < 300_000
    assert watched.incidents == []
