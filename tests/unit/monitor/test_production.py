"""The production of a day, with a wrong clock and restarts of the Pi."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.conftest import MakeBridge
from unit.monitor.monitored import NOON

from pvs_bridge.monitor import production
from pvs_bridge.monitor.production import Point
from pvs_bridge.pvs.devices import read_plant


@pytest.fixture(autouse=True)
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


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
    bridge.minutes(90)
    night = [each for each in make_devices(night=True) if each["DEVICE_TYPE"] != "Power Meter"]

    def minutes(count: int) -> None:
        for _ in range(count):
            bridge.probe.answers = [make_reply(body=make_body(night))]
            bridge.minutes(1)

    minutes(60)
    evening = bridge.paths.day.stat()
    saved = [watts for _, watts, _ in json.loads(bridge.paths.day.read_text())]
    assert saved.count(600) == 18
    minutes(180)
    morning = bridge.paths.day.stat()
    assert (morning.st_ino, morning.st_mtime_ns) == (evening.st_ino, evening.st_mtime_ns)


def test_without_a_meter_the_panels_are_summed() -> None:
    devices = [each for each in make_devices(3) if each["DEVICE_TYPE"] != "Power Meter"]
    assert production.point_of(read_plant(devices), 5.0) == Point(5.0, 600, 3703.5)


def test_a_sleeping_plant_has_no_power_and_the_energy_of_the_meter() -> None:
    devices = make_devices(2, night=True)
    devices[1]["p_3phsum_kw"] = "-0.012"
    assert production.point_of(read_plant(devices), 5.0) == Point(5.0, 0, 20123.4567)


def without_ct(panels: int, *, kwh: float, kw: str = "0") -> list[dict[str, Any]]:
    """Return a plant whose production meter does not have a current transformer."""
    devices = make_devices(panels)
    for each in devices:
        if each.get("TYPE") == "PVS5-METER-P":
            each |= {"p_3phsum_kw": kw, "net_ltea_3phsum_kwh": "0"}
        if each["DEVICE_TYPE"] == "Inverter":
            each["ltea_3phsum_kwh"] = str(kwh)
    return devices


def test_without_a_current_transformer_the_panels_count() -> None:
    points = [
        production.point_of(read_plant(without_ct(3, kwh=1000 + step / 100)), step * 300.0)
        for step in range(11)
    ]
    assert {point.watts for point in points} == {600}
    assert production.kwh_of(points) == 0.3


def test_a_meter_that_has_stopped_to_measure_is_not_believed() -> None:
    devices = make_devices(3)
    meter = next(each for each in devices if each.get("TYPE") == "PVS5-METER-P")
    meter["p_3phsum_kw"] = "0"
    point = production.point_of(read_plant(devices), 0.0)
    assert (point.watts, point.kwh) == (600, 3 * 1234.5)


def test_panels_that_appear_or_vanish_are_not_production() -> None:
    counts = [3, 8, 8, 3, 21, 21]
    points = [
        production.point_of(read_plant(without_ct(count, kwh=1000 + step / 10)), step * 300.0)
        for step, count in enumerate(counts)
    ]
    assert production.kwh_of(points) == 2.9


def test_energy_is_the_difference_of_the_counter() -> None:
    points = [Point(0, 1, None), Point(1, 1, 100.0), Point(2, 1, 104.25), Point(3, 1, None)]
    assert production.kwh_of(points) == 4.25
    assert production.kwh_of([Point(0, 1, None)]) is None


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
    points = [Point(now - (wall - midnight) + 60 * minutes, 0, 1.0), Point(now, 5, 2.0)]
    assert production.midnight(wall) == midnight
    since = production.begins_late(points, now, wall)
    assert since == (midnight + 60 * minutes if late else None)
    assert production.begins_late([], now, wall) is None
