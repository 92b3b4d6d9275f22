"""The plant: deterministic, consistent, dark at night."""

from __future__ import annotations

import pytest

from pvs_sim.clock import SimClock, iso, parse_instant
from pvs_sim.plant import Plant
from pvs_sim.sun import Site

DAY = 86400
MIDNIGHT = 1_750_464_000.0  # 2025-06-21T00:00:00Z, local afternoon of the day before


def plant(
    seed: int = 1, panels: int = 5, *, battery: bool = False, daylight: bool = False
) -> Plant:
    return Plant(Site(seed, 36.7, -119.8, daylight), panels, battery_modules=int(battery))


def test_the_same_seed_and_instant_give_the_same_reading() -> None:
    assert plant().read(MIDNIGHT) == plant().read(MIDNIGHT)


def test_another_seed_gives_another_plant() -> None:
    one, other = plant(1), plant(2)
    assert set(one.serials).isdisjoint(other.serials)
    assert one.meter_stem != other.meter_stem
    assert one.read(MIDNIGHT).live != other.read(MIDNIGHT).live


@pytest.mark.parametrize("panels", [1, 24, 60, 400])
def test_every_panel_has_a_serial_number_of_its_own(panels: int) -> None:
    built = plant(panels=panels)
    assert len(set(built.serials)) == panels
    assert len(built.read(MIDNIGHT).panels) == panels


def test_panels_change_every_five_minutes_and_meters_every_five_seconds() -> None:
    built = plant()
    first, later, next_scan = (built.read(MIDNIGHT + s) for s in (1, 299, 301))
    assert first.panels == later.panels != next_scan.panels
    assert first.production == built.read(MIDNIGHT + 4).production
    assert first.production != built.read(MIDNIGHT + 6).production
    assert first.panels[0].measured_at == MIDNIGHT


def test_the_sum_of_the_panels_is_what_the_production_meter_counts() -> None:
    reading = plant(panels=60).read(MIDNIGHT)
    assert sum(p.power_kw for p in reading.panels) == pytest.approx(reading.production.power_kw)
    assert sum(p.energy_kwh for p in reading.panels) == pytest.approx(reading.production.net_kwh)
    assert reading.production.power_kw > 1


@pytest.mark.parametrize("battery", [False, True])
def test_energies_only_grow_and_add_up(*, battery: bool) -> None:
    built = plant(panels=24, battery=battery)
    first = built.live(MIDNIGHT)
    before: list[float] = []
    for step in range(0, 2 * DAY, 907):
        reading = built.read(MIDNIGHT + step)
        meter, live = reading.consumption, reading.live
        assert meter.net_kwh == pytest.approx(meter.import_kwh - meter.export_kwh)
        stored = (live.ess_en or 0.0) - (first.ess_en or 0.0)
        made = live.pv_en - first.pv_en
        drawn = live.site_load_en - first.site_load_en
        assert drawn == pytest.approx(made + live.net_en - first.net_en + stored, abs=1e-6)
        after = [meter.import_kwh, meter.export_kwh, reading.production.net_kwh]
        after += [live.site_load_en, *(panel.energy_kwh for panel in reading.panels)]
        assert all(b <= a + 1e-6 for b, a in zip(before, after, strict=False)), iso(reading.at)
        before = after
    assert before[0] > 100
    assert before[1] > 100


@pytest.mark.parametrize("hour", [14, 17, 20, 23])
def test_energy_is_the_area_under_power(hour: int) -> None:
    built = plant()
    begin = MIDNIGHT + hour * 3600
    area = sum(built.live(begin + 30 + 60 * m).pv_p / 60 for m in range(60))
    grown = built.live(begin + 3600).pv_en - built.live(begin).pv_en
    assert grown == pytest.approx(area, rel=1e-3)


def test_powers_balance_with_a_battery() -> None:
    built = plant(battery=True)
    for hour in range(24):
        live = built.live(MIDNIGHT + hour * 3600)
        assert live.ess_p is not None
        assert live.soc is not None
        assert live.site_load_p == pytest.approx(live.pv_p + live.net_p + live.ess_p)
        assert 0.2 < live.soc < 0.9


def test_the_battery_charges_and_discharges_every_day() -> None:
    built = plant(battery=True)
    powers = [built.live(MIDNIGHT + hour * 3600).ess_p or 0 for hour in range(24)]
    assert min(powers) < -1
    assert max(powers) > 1
    begin, end = (built.live(MIDNIGHT + days * DAY).soc for days in (0, 1))
    assert begin == pytest.approx(end)


def test_inverters_sleep_at_night_and_lose_their_measurements_half_an_hour_later() -> None:
    built = plant()
    readings = [built.read(MIDNIGHT + step * 120).panels[0] for step in range(24 * 30)]
    states = {(panel.awake, panel.measured) for panel in readings}
    assert states == {(True, True), (False, True), (False, False)}
    stale = [panel for panel in readings if panel.measured and not panel.awake]
    assert len(stale) == pytest.approx(15, abs=3)
    assert len({panel.measured_at for panel in stale}) == 1
    assert all(panel.power_kw == 0 for panel in stale)


def test_summer_days_are_longer_than_winter_days() -> None:
    built = plant()
    winter = MIDNIGHT + 183 * DAY
    lit = [
        sum(built.live(day + step * 600).pv_p > 0 for step in range(144))
        for day in (MIDNIGHT, winter)
    ]
    assert lit[0] > lit[1] + 12


def test_daylight_means_that_the_sun_never_sets() -> None:
    built = plant(daylight=True)
    assert all(built.read(MIDNIGHT + hour * 3600).panels[0].awake for hour in range(24))
    assert min(built.live(MIDNIGHT + hour * 3600).pv_p for hour in range(24)) > 1.0


def test_a_clock_stands_still_runs_fast_and_jumps() -> None:
    real = [100.0]
    clock = SimClock(1000.0, 0.0, monotonic=lambda: real[0])
    real[0] = 200.0
    assert clock.now() == 1000.0
    clock.rescale(60.0)
    real[0] = 201.0
    assert clock.now() == 1060.0
    clock.advance(40.0)
    assert clock.now() == 1100.0
    clock.set(5.0, 1.0)
    real[0] = 204.0
    assert clock.now() == 8.0


def test_an_instant_without_a_zone_is_utc() -> None:
    assert parse_instant("2025-06-21T00:00:00") == MIDNIGHT
    assert parse_instant("2025-06-21T02:00:00+02:00") == MIDNIGHT
    assert parse_instant("now") is None
    with pytest.raises(ValueError, match="yesterday"):
        parse_instant("yesterday")
