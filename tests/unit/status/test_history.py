"""The history behind the page."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from unit.monitor.monitored import MonitoredBridge
from unit.status.test_document import made

from pvs_bridge.history import store
from pvs_bridge.history.day import Day
from pvs_bridge.status.history import History

_JUNE_24 = time.mktime((2026, 6, 24, 12, 0, 0, 0, 0, -1))
DAYS = [
    Day("2025-12-31", 1, 0, 900, {"E1": 900}),
    Day("2026-06-21", 1, 1000, 100, {"E1": 60, "E2": 40}, first_slot=36, watts=[5, None, 7]),
    Day("2026-06-21", 2, 1000, 11, {"E1": 11}, first_slot=40, watts=[9]),
    Day("2026-06-24", 1, 5000, 50, {"E1": 50}, [], 300, {"E1": 300}),
]


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Make a history of a few days."""
    store.add(tmp_path / "history", DAYS)
    return History(tmp_path / "history")


def test_the_sums_are_those_of_days_months_and_years(history: History) -> None:
    assert json.loads(history.summary(_JUNE_24)) == {
        "day": {"2025-12-31": 900, "2026-06-21": 111, "2026-06-24": 50},
        "month": {"2025-12": 900, "2026-06": 461},
        "year": {"2025": 900, "2026": 461},
    }


def test_a_day_has_its_curve_and_its_panels(history: History) -> None:
    assert json.loads(history.detail("2026-06-21") or "") == {
        "period": "2026-06-21",
        "wh": 111,
        "panels": {"E1": 71, "E2": 40},
        "midnight": 1000,
        "points": [[22900, 5], [24100, 7], [25300, 9]],
    }


@pytest.mark.parametrize(
    ("period", "wh", "panels"),
    [("2026-06", 461, {"E1": 421, "E2": 40}), ("2025", 900, {"E1": 900})],
)
def test_a_month_and_a_year_have_their_panels(
    history: History, period: str, wh: int, panels: dict[str, int]
) -> None:
    found = json.loads(history.detail(period) or "")
    assert (found["wh"], found["panels"]) == (wh, panels)


@pytest.mark.parametrize("period", ["2026-06-22", "2024", "../..", "", "202", "2026-6", "*"])
def test_an_unknown_period_has_no_details(history: History, period: str) -> None:
    assert history.detail(period) is None


def test_days_of_a_clock_that_was_ahead_are_not_shown(tmp_path: Path) -> None:
    store.add(tmp_path, [*DAYS, Day("2026-06-30", 1, 0, 5), Day("2036-01-01", 1, 0, 5)])
    found = json.loads(History(tmp_path).summary(_JUNE_24))
    assert list(found["day"])[-1] == "2026-06-24"
    assert list(found["year"]) == ["2025", "2026"]


def test_a_year_of_days_is_shown(tmp_path: Path) -> None:
    days = [Day(f"{year}-{month:02}-01", 1, 0, 5) for year in range(1990, 2026)
            for month in range(1, 13)]  # fmt: skip
    store.add(tmp_path, days)
    found = json.loads(History(tmp_path).summary(_JUNE_24))
    assert (len(found["day"]), len(found["month"]), len(found["year"])) == (366, 432, 36)


def test_a_file_is_read_once(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    before = history.summary(_JUNE_24)
    monkeypatch.setattr(store, "read", lambda path: pytest.fail(f"{path}"))
    assert history.summary(_JUNE_24) == before


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 20])
def test_a_damaged_month_leaves_the_others(tmp_path: Path, content: bytes) -> None:
    store.add(tmp_path, DAYS)
    (tmp_path / "2026-05.jsonl").write_bytes(content)
    (tmp_path / "2026-04.jsonl").mkdir()
    found = json.loads(History(tmp_path).summary(_JUNE_24))
    assert found["month"] == {"2025-12": 900, "2026-04": 0, "2026-05": 0, "2026-06": 461}
    assert History(tmp_path).csv("year").splitlines()[1].startswith("2025,0.900")


def test_without_a_folder_there_is_no_history(tmp_path: Path) -> None:
    history = History(tmp_path / "none")
    assert json.loads(history.summary(_JUNE_24)) == {"day": {}, "month": {}, "year": {}}
    assert history.csv("day") == "day,plant_kwh,earlier_kwh\r\n"


def test_today_has_the_energy_of_each_panel(bridge: MonitoredBridge) -> None:
    assert made(bridge)["day"]["panels"] == dict.fromkeys(
        ("E00121000000001", "E00121000000002", "E00121000000003"), 0
    )


def test_ten_years_of_sixty_panels_need_little_memory(tmp_path: Path) -> None:
    serials = {f"E001219{number:08}": 1500 for number in range(60)}
    for year in range(2016, 2026):
        days = [
            Day(f"{year}-{month:02}-{day:02}", 1, 0, 90_000, serials, [], 0, {}, 30, [9000] * 84)
            for month in range(1, 13)
            for day in range(1, 31)
        ]
        store.add(tmp_path, days)
    history = History(tmp_path)
    begin = os.times().user
    assert len(json.loads(history.summary(_JUNE_24))["year"]) == 10
    # A Pi Zero is twenty times as slow.
    assert os.times().user - begin < 2.0
    assert len(history.csv("month").splitlines()) == 121
