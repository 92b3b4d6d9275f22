"""The production of a day, with a wrong clock and restarts of the Pi."""

from __future__ import annotations

import json
import time

import pytest
from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.conftest import MakeBridge
from unit.monitor.monitored import NOON

from pvs_bridge.monitor import production
from pvs_bridge.monitor.production import Point
from pvs_bridge.pvs.devices import read_plant

pytestmark = pytest.mark.usefixtures("in_new_york")


def test_a_point_is_added_every_five_minutes(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.minutes(60)
    assert len(bridge.state.points) == 12
    assert {point.watts for point in bridge.state.points} == {600}


def test_the_day_ends_at_midnight_of_the_time_zone(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    midnight = time.mktime((2026, 6, 21, 0, 0, 0, 0, 0, -1))
    bridge.clock_offset = midnight - 3600 - bridge.now
    bridge.minutes(55)
    before = len(bridge.state.points)
    bridge.minutes(11)
    assert before == 11
    assert len(bridge.state.points) in (1, 2)


def test_setting_the_clock_moves_no_point(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.clock_offset = None
    bridge.minutes(30)
    before = bridge.state.points
    bridge.clock_offset = NOON
    bridge.minutes(1)
    assert bridge.state.points[: len(before)] == before


def test_a_restart_of_the_pi_loses_an_hour_at_most(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.minutes(150)
    count = len(bridge.state.points)
    bridge.restart()
    bridge.minutes(1)
    kept = len(bridge.state.points)
    assert count - 12 <= kept - 1 < count
    assert bridge.state.points[0].at < 0


def test_a_night_writes_nothing(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.clock_offset = NOON - 4 * 3600
    bridge.minutes(90)
    night = [each for each in make_devices(night=True) if each["DEVICE_TYPE"] != "Power Meter"]

    def minutes(count: int) -> None:
        for _ in range(count):
            bridge.probe.answers = [make_reply(body=make_body(night))]
            bridge.minutes(1)

    minutes(60)
    evening = bridge.paths.day.stat()
    saved = [watts for _, watts in json.loads(bridge.paths.day.read_text())["points"]]
    assert saved.count(600) == 18
    minutes(180)
    morning = bridge.paths.day.stat()
    assert (morning.st_ino, morning.st_mtime_ns) == (evening.st_ino, evening.st_mtime_ns)


@pytest.mark.parametrize(
    ("subtype", "kw", "power"),
    [
        # The transformers measure the grid: the home takes what the panels give, and more.
        ("NET_CONSUMPTION_LOADSIDE", "0.400", (600, 1000, 400)),
        ("NET_CONSUMPTION_LOADSIDE", "-0.400", (600, 200, -400)),
        ("GROSS_CONSUMPTION_LINESIDE", "0.900", (600, 900, 300)),
        ("GROSS_CONSUMPTION_LINESIDE", "0.100", (600, 100, -500)),
        # A home never gives power.
        ("GROSS_CONSUMPTION_LINESIDE", "-0.100", (600, 500, -100)),
        ("NOT_USED", "-0.100", (600, 500, -100)),
        ("NOT_USED", "0.100", (600, None, None)),
        ("", "0.100", (600, None, None)),
        ("NET_CONSUMPTION_LOADSIDE", "nan", (600, None, None)),
        # The two meters are read at different moments.
        ("NET_CONSUMPTION_LOADSIDE", "-0.900", (600, 0, -900)),
    ],
)
def test_the_subtype_of_a_meter_says_where_the_power_goes(
    subtype: str, kw: str, power: tuple[int | None, ...]
) -> None:
    devices = make_devices()
    devices[2] |= {"subtype": subtype, "p_3phsum_kw": kw}
    found = production.power_of(read_plant(devices))
    assert (found.production_watts, found.consumption_watts, found.grid_watts) == power


def test_a_battery_hides_what_no_meter_measures() -> None:
    devices = make_devices()
    devices[2] |= {"subtype": "NET_CONSUMPTION_LOADSIDE", "p_3phsum_kw": "0.400"}
    devices.append({"DEVICE_TYPE": "Energy Storage System", "SERIAL": "E1", "STATE": "working"})
    assert production.power_of(read_plant(devices)) == production.Power(600, None, 400)


@pytest.mark.parametrize(("minutes", "late"), [(2, False), (14, False), (16, True), (700, True)])
def test_a_day_is_whole_if_midnight_was_observed(minutes: int, late: bool) -> None:
    midnight = time.mktime((2026, 6, 21, 0, 0, 0, 0, 0, -1))
    wall, now = midnight + 80_000.0, 90_000.0
    points = [Point(now - (wall - midnight) + 60 * minutes, 0), Point(now, 5)]
    assert production.midnight(wall) == midnight
    since = production.begins_late(points, now, wall)
    assert since == (midnight + 60 * minutes if late else None)
    assert production.begins_late([], now, wall) is None
