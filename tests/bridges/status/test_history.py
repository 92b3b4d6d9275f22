"""The history on the page in Chromium: its sums, its weight and its speed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bridges.status.conftest import SIZES, Show
from bridges.status.stage import Stage
from unit.monitor.monitored import MonitoredBridge

from pvs_bridge.history import store
from pvs_bridge.history.totals import totals
from pvs_lab.process import wait_until

_LOOK = (Path(__file__).parent / "look.js").read_text()
_BARS = """
const bars = [...document.querySelectorAll('.bar')];
return bars.map(each => [each.id, each.getAttribute('aria-label')])"""
_TILES = "return [...document.querySelectorAll('.bars ~ .tiles b')].map(each => each.textContent)"
_PRESS = "document.getElementById(arguments[0]).click()"
_HAS_BARS = "return document.querySelector('.bars') !== null"
_LOADED = """
const entries = performance.getEntries().filter(each => each.decodedBodySize);
return entries.map(each => [each.name, each.decodedBodySize])"""
KIB = 1024


def kwh(label: str) -> float:
    """Return the energy in a label, in kWh."""
    number, unit = label.rpartition(": ")[2].split()
    return float(number) * {"kWh": 1, "MWh": 1000}[unit]


def test_the_bars_are_the_days_months_and_years(
    show: Show, scenes: dict[str, MonitoredBridge]
) -> None:
    browser = show("year", "desktop")
    assert wait_until(lambda: bool(browser.run(_HAS_BARS)), 5)
    days = [each for path in store.months(scenes["year"].paths.history)
            for each in store.read(path)[0]]  # fmt: skip
    for period, count in (("day", 31), ("month", 12), ("year", 20)):
        browser.run(_PRESS, f"by-{period}")
        bars = dict(browser.run(_BARS))
        assert len(bars) == count
        found = totals(days, period).items()
        before = [each for each in found if not "2026-06-21".startswith(each[0])]
        assert before
        for name, total in before[1 - count :]:
            label = bars[f"bar-{name}"]
            assert kwh(label) == pytest.approx(total.wh / 1000, rel=0.005, abs=0.06)


def test_a_day_that_is_pressed_shows_its_curve_and_panels(show: Show) -> None:
    browser = show("year")
    assert wait_until(lambda: bool(browser.run(_HAS_BARS)), 5)
    curves = "return document.querySelectorAll('.day').length"
    assert browser.run(curves) == 1
    browser.run(_PRESS, "bar-2026-06-18")
    assert wait_until(lambda: browser.run(curves) == 2, 5)
    assert len(browser.run(_TILES)) == 60
    assert browser.run(_LOOK) == []
    # It stays through the next reading, and so does the place of the keyboard.
    browser.run("document.getElementById('bar-2026-06-18').focus(); show(shown)")
    assert browser.run("return document.activeElement.id") == "bar-2026-06-18"
    assert len(browser.run(_TILES)) == 60
    browser.run(_PRESS, "bar-2026-06-18")
    assert browser.run(_TILES) == []


@pytest.mark.parametrize("size", SIZES)
def test_a_month_is_readable_and_earlier_days_can_be_reached(show: Show, size: str) -> None:
    browser = show("year", size)
    assert wait_until(lambda: bool(browser.run(_HAS_BARS)), 5)
    first, _ = browser.run(_BARS)[0]
    browser.run(_PRESS, "earlier")
    assert browser.run(_BARS)[-1][0] < first
    assert browser.run(_LOOK) == []
    browser.run(_PRESS, "later")
    assert browser.run(_BARS)[0][0] == first
    assert browser.run("return document.getElementById('later').disabled")
    browser.run(_PRESS, "by-month")
    browser.run(_PRESS, "bar-2026-05")
    assert wait_until(lambda: len(browser.run(_TILES)) == 60, 5)
    assert browser.run(_LOOK) == []


def test_today_is_in_the_bars(show: Show) -> None:
    browser = show("year")
    assert wait_until(lambda: bool(browser.run(_HAS_BARS)), 5)
    name, label = browser.run(_BARS)[-1]
    today = browser.run("return document.querySelectorAll('.figure b')[3].textContent")
    assert name == "bar-2026-06-21"
    assert kwh(label) == float(re.sub("[^0-9.]", "", today))


def test_a_year_of_sixty_panels_is_light_and_quick(show: Show, shown: Stage) -> None:
    browser = show("year")
    browser.slow_down(4)
    try:
        times = []
        for _ in range(3):
            browser.open_and_count(shown.url)
            assert wait_until(lambda: bool(browser.run(_HAS_BARS)), 20)
            times.append(browser.worked_seconds)
    finally:
        browser.slow_down(1)
    loaded = browser.run(_LOADED)
    assert {name.rpartition("/")[2] for name, _ in loaded} == {"", "status.json", "history.json"}
    assert sum(size for _, size in loaded) < 150 * KIB
    assert min(times) < 1.0
