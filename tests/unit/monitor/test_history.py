"""The history that the monitor keeps: restarts, a full card, damage, clocks."""

from __future__ import annotations

import errno
import json
import time
from itertools import pairwise
from typing import Any

import pytest
from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.conftest import MakeBridge
from unit.monitor.monitored import MonitoredBridge

from pvs_bridge import atomic
from pvs_bridge.history import store
from pvs_bridge.history.day import Day

DAY = 86400.0


pytestmark = pytest.mark.usefixtures("in_new_york")


def at(hour: float) -> float:
    """Return an hour of June 21, 2026, in seconds since 1970."""
    return time.mktime((2026, 6, 21, 0, 0, 0, 0, 0, -1)) + hour * 3600


def reading(kwh: float, *, night: bool = False) -> bytes:
    """Return a list of three panels, each of which has made an energy so far."""
    devices: list[dict[str, Any]] = make_devices(3, night=night)
    for each in devices:
        if each["DEVICE_TYPE"] == "Inverter" and not night:
            each["ltea_3phsum_kwh"] = f"{1000 + kwh:.4f}"
    devices[1]["net_ltea_3phsum_kwh"] = f"{20000 + 3 * kwh:.4f}"
    return make_body(devices)


def live(bridge: MonitoredBridge, begin: float, end: float, kwh_per_hour: float = 0.1) -> None:
    """Run the monitor every half hour, between hours of June 21."""
    for step in range(round((end - begin) * 2)):
        hour = begin + step / 2
        bridge.now = at(hour) - (bridge.clock_offset or 0)
        # The counter begins at midnight of June 21, and the panels work all the time.
        bridge.probe.answers = [make_reply(body=reading(hour * kwh_per_hour))]
        bridge.run()


def days(bridge: MonitoredBridge) -> list[Day]:
    """Return the days of the history."""
    return [day for path in store.months(bridge.paths.history) for day in store.read(path)[0]]


@pytest.fixture
def bridge(make_bridge: MakeBridge) -> MonitoredBridge:
    """Make a bridge that was started at midnight."""
    made = make_bridge()
    made.clock_offset = at(0) - 600
    return made


def test_each_day_becomes_a_line(bridge: MonitoredBridge) -> None:
    live(bridge, 0, 49)
    first, second = days(bridge)
    assert (first.day, second.day) == ("2026-06-21", "2026-06-22")
    assert first.wh == pytest.approx(7200, abs=160)
    assert second.wh == 7200
    assert set(second.panels.values()) == {2400}
    assert list(second.watts) == [600, *[None, None, 600] * 47]
    assert bridge.state.finished == []


def test_it_writes_once_an_hour_at_most(
    bridge: MonitoredBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: list[float] = []
    write = atomic.write

    def counted(path: Any, data: bytes, mode: int = 0o600) -> None:  # noqa: ANN401 - a path
        if path != bridge.paths.state and path != bridge.paths.known:
            moments.append(bridge.now)
        write(path, data, mode)

    monkeypatch.setattr(atomic, "write", counted)
    live(bridge, 0, 72)
    apart = sorted(set(moments))
    assert len(apart) > 60
    assert min(after - before for before, after in pairwise(apart)) >= 3600


def test_a_restart_loses_no_energy(bridge: MonitoredBridge) -> None:
    live(bridge, 0, 12.5)
    bridge.restart()
    bridge.clock_offset = at(14)
    live(bridge, 14, 25.5)
    (day,) = days(bridge)
    assert day.wh == pytest.approx(7200, abs=160)
    assert day.panels["E00121000000001"] == pytest.approx(2400, abs=60)


def test_a_day_that_ended_while_the_pi_was_off_is_kept(bridge: MonitoredBridge) -> None:
    live(bridge, 0, 20)
    bridge.restart()
    bridge.clock_offset = at(24 * 3 + 10)
    live(bridge, 24 * 3 + 10, 24 * 4 + 1)
    before, after = days(bridge)
    assert (before.day, after.day) == ("2026-06-21", "2026-06-24")
    assert before.wh == pytest.approx(19 * 300, abs=330)
    assert after.wh == pytest.approx(14 * 300, abs=160)
    # Nothing is lost: what no day has is between them.
    assert before.wh + after.earlier_wh + after.wh == pytest.approx(24 * 4 * 300, abs=160)


def test_a_power_cut_between_the_two_files_adds_no_day(bridge: MonitoredBridge) -> None:
    live(bridge, 0, 23.9)
    saved = bridge.paths.day.read_bytes()
    live(bridge, 23.9, 25.5)
    assert len(days(bridge)) == 1
    bridge.paths.day.write_bytes(saved)
    bridge.restart()
    live(bridge, 25.5, 27)
    assert [day.day for day in days(bridge)] == ["2026-06-21"]


def test_a_full_card_loses_no_day(bridge: MonitoredBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    live(bridge, 0, 23)
    full = True
    write = atomic.write

    def refusing(path: Any, data: bytes, mode: int = 0o600) -> None:  # noqa: ANN401 - a path
        if full and path != bridge.paths.state:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data, mode)

    monkeypatch.setattr(atomic, "write", refusing)
    live(bridge, 23, 24 * 3 + 2)
    assert days(bridge) == []
    assert any("No space left" in line for line in bridge.log)
    full = False
    live(bridge, 24 * 3 + 2, 24 * 3 + 4)
    assert [day.day[-2:] for day in days(bridge)] == ["21", "22", "23"]
    assert [day.wh for day in days(bridge)][1:] == [7200, 7200]


def test_damaged_days_are_named_and_kept(bridge: MonitoredBridge) -> None:
    live(bridge, 0, 24 * 4 + 1.5)
    (path,) = store.months(bridge.paths.history)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"7200", b"9200")
    lines[3] = lines[3][:40]
    path.write_bytes(b"".join(lines))
    bridge.restart()
    live(bridge, 24 * 4 + 1.5, 24 * 4 + 2)
    assert [day.day[-2:] for day in days(bridge)] == ["21", "23"]
    aside = path.with_suffix(".damaged")
    assert aside.read_bytes().splitlines() == [lines[1].rstrip(), lines[3]]
    (said,) = [text for text in bridge.texts if "history" in text]
    assert said == (
        f"the history of 2026-06 had 2 damaged lines, kept in {aside}; the other days are good"
    )


@pytest.mark.parametrize("text", ["", "{}", "[[1, 2, 3]]", '{"points": 3}', "\x00\x01"])
def test_a_damaged_day_stops_nothing(bridge: MonitoredBridge, text: str) -> None:
    bridge.paths.day.write_text(text)
    live(bridge, 0, 25.5)
    assert [day.day for day in days(bridge)] == ["2026-06-21"]


def test_a_clock_of_another_year_at_the_start_makes_no_day(bridge: MonitoredBridge) -> None:
    live(bridge, 0, 10)
    right = bridge.clock_offset or 0
    bridge.clock_offset = right + 10 * 365 * DAY
    for hour in (10, 10.5, 11, 11.5):
        bridge.now = at(hour) - right
        bridge.probe.answers = [make_reply(body=reading(hour / 10))]
        bridge.run()
    assert json.loads(bridge.paths.day.read_text())["points"][-1][0] > at(9 * 365 * 24)
    bridge.restart()
    # The Pi has saved the wrong time, and starts with the right one.
    bridge.clock_offset = at(12)
    live(bridge, 12, 25.5)
    assert [day.day for day in days(bridge)] == ["2026-06-21"]
    (day,) = days(bridge)
    assert day.wh + day.earlier_wh == pytest.approx(7200, abs=160)


def test_without_a_clock_nothing_is_written(bridge: MonitoredBridge) -> None:
    bridge.clock_offset = None
    bridge.minutes(180)
    assert not bridge.paths.day.exists()
    assert bridge.state.energy.start == 0


def test_the_saved_day_is_small(bridge: MonitoredBridge) -> None:
    live(bridge, 0, 23)
    assert len(bridge.paths.day.read_bytes()) < 10 * 1024
    assert json.loads(bridge.paths.day.read_text())["finished"] == []


PANELS = [
    {
        "serial": f"E0012100000000{number}",
        "name": f"S{number}",
        "roof": "",
        "row": 1,
        "column": number,
    }
    for number in (1, 2, 3)
]


def test_panels_have_their_names_and_places(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(panels=PANELS[:2])
    bridge.run()
    plant = bridge.state.plant or {}
    first, _, last = plant["panels"]
    assert (first["name"], first["column"], first["state"]) == ("S1", 1, "working")
    assert "name" not in last
    assert bridge.state.warnings == []


def test_panels_that_the_pvs_does_not_list_are_one_warning(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(
        panels=[*PANELS, {**PANELS[0], "serial": "E9"}, {**PANELS[0], "serial": "E8"}]
    )
    bridge.minutes(3)
    (warning,) = bridge.state.warnings
    assert warning["name"] == "panels_unknown"
    assert warning["problem"] == (
        "status_panels names 2 panels that the PVS does not list: E9, E8."
    )
    assert len([text for text in bridge.texts if "status_panels" in text]) == 1


def test_a_dead_panel_is_a_warning_that_ends(bridge: MonitoredBridge) -> None:
    def hours(begin: float, end: float, *, dead: bool) -> None:
        for step in range(round((end - begin) * 2)):
            hour = begin + step / 2
            bridge.now = at(hour) - (bridge.clock_offset or 0)
            devices = json.loads(reading(hour / 10))["devices"]
            if dead:
                devices[-1] = {**devices[-1], "STATE": "error"}
                del devices[-1]["p_3phsum_kw"]
            bridge.probe.answers = [make_reply(body=make_body(devices))]
            bridge.run()

    hours(0, 4, dead=False)
    hours(4, 18, dead=True)
    (warning,) = bridge.state.warnings
    assert warning["name"] == "panel_dead_E00121000000003"
    # A restart of the Pi does not make it good.
    bridge.restart()
    bridge.clock_offset = at(18)
    hours(18, 18.5, dead=True)
    assert [each["name"] for each in bridge.state.warnings] == ["panel_dead_E00121000000003"]
    hours(18.5, 21, dead=False)
    assert bridge.state.warnings == []


def test_a_weak_panel_is_found_in_the_history(bridge: MonitoredBridge) -> None:
    panels = {str(each["serial"]): 100 for each in PANELS}
    best = [99, 62, 101]
    store.add(
        bridge.paths.history,
        [Day(f"2026-06-{number}", 1, 0, 300, panels, best) for number in range(12, 21)],
    )
    live(bridge, 0, 1)
    (warning,) = bridge.state.warnings
    assert warning["name"] == "panel_weak_E00121000000002"
    assert "makes 62 % of what its neighbours make" in warning["problem"]
