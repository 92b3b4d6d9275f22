"""The files of the history: their size, damage, imports and tables."""

from __future__ import annotations

import csv
import io
import math
import random
import zlib
from datetime import date, timedelta
from pathlib import Path

import pytest

from pvs_bridge.history import cli, store
from pvs_bridge.history.day import Day, LineError, line_of, read_line
from pvs_bridge.history.totals import csv_of, totals

MIB = 1024 * 1024


def year_of(panels: int, *, longest: bool = False, first: date = date(2026, 1, 1)) -> list[Day]:
    """Make a year of 366 days in Alaska.

    Args:
        panels: The number of panels.
        longest: Every day is the longest one of the year.
        first: The first day.
    """
    chance = random.Random(1)  # noqa: S311 - weather
    days = []
    for number in range(366):
        day = first + timedelta(number)
        hours = 20 if longest else 12 + 8 * math.cos((day.timetuple().tm_yday - 172) / 58)
        slots = round(hours * 6)
        watts = [round(chance.uniform(10_000, 25_000)) for _ in range(slots)]
        serials = [f"E001219{number:08}" for number in range(panels)]
        made = {serial: round(chance.uniform(1000, 2500)) for serial in serials}
        best = [chance.randint(90, 104) for _ in made]
        days.append(Day(f"{day}", 10**9, 10**9, sum(made.values()), made, best, 0, {}, 20, watts))
    return days


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that does not exist yet."""
    return tmp_path / "history"


@pytest.mark.parametrize("longest", [False, True])
def test_a_year_of_sixty_panels_is_smaller_than_a_mebibyte(folder: Path, longest: bool) -> None:
    days = year_of(60, longest=longest)
    assert store.add(folder, days) == []
    assert sum(path.stat().st_size for path in folder.iterdir()) < MIB
    assert [day for path in store.months(folder) for day in store.read(path)[0]] == days


def test_a_line_is_a_day() -> None:
    (day, *_) = year_of(3)
    assert read_line(line_of(day)) == day


@pytest.mark.parametrize(
    "values",
    [
        b"[]", b"3", b'{"day": "2026-06-21", "other": 1}', b'{"wh": 1}', b'{"day": "../../x"}',
        b'{"day": "2026-13-01"}', b'{"day": "2026-06-21", "wh": "1"}',
        b'{"day": "2026-06-21", "wh": NaN}', b'{"day": "2026-06-21", "panels": {"E": 0.5}}',
        b'{"day": "2026-06-21", "watts": 7}', b'{"day": "2026-06-21", "wh": 1e99}',
        b'{"day": "2026-06-21", "panels": [1]}', b'{"day": "2026-06-21", "best": 3}',
    ],
)  # fmt: skip
def test_a_line_with_other_content_is_damaged(values: bytes) -> None:
    with pytest.raises(LineError):
        read_line(b"%08x %s" % (zlib.crc32(values), values))


def test_each_changed_byte_is_found() -> None:
    line = line_of(Day("2026-06-21", 1, 2, 3, {"E1": 3}))
    for place in range(len(line) - 1):
        changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        with pytest.raises(LineError):
            read_line(changed)


def test_a_day_that_is_added_again_is_replaced_and_a_part_is_added(folder: Path) -> None:
    store.add(folder, [Day("2026-06-21", 5, 0, 100)])
    store.add(folder, [Day("2026-06-21", 5, 0, 120), Day("2026-06-21", 9, 0, 30)])
    (path,) = store.months(folder)
    days, _ = store.read(path)
    assert totals(days, "day")["2026-06-21"].wh == 150


def test_damage_after_the_start_is_named_when_a_day_is_added(folder: Path) -> None:
    store.add(folder, [Day("2026-06-20", 5, 0, 100)])
    (path,) = store.months(folder)
    path.write_bytes(path.read_bytes() + b"half a li")
    (said,) = store.add(folder, [Day("2026-06-21", 5, 0, 100)])
    assert "1 damaged line" in said
    assert path.with_suffix(".damaged").read_bytes() == b"half a li\n"
    assert store.add(folder, [Day("2026-06-22", 5, 0, 100)]) == []
    assert len(store.read(path)[0]) == 3


def test_months_and_years_have_the_energy_between_days_too() -> None:
    days = [
        Day("2026-06-21", 1, 0, 100, {"E1": 60, "E2": 40}),
        Day("2026-06-25", 1, 0, 50, {"E1": 50}, [], 300, {"E1": 200, "E3": 100}),
        Day("2026-07-01", 1, 0, 10, {"E1": 10}),
    ]
    by_month = totals(days, "month")
    assert list(by_month) == ["2026-06", "2026-07"]
    june = by_month["2026-06"]
    assert (june.wh, june.earlier_wh) == (150, 300)
    assert june.panels == {"E1": 310, "E2": 40, "E3": 100}
    assert totals(days, "day")["2026-06-25"].panels == {"E1": 50}
    assert totals(days, "year")["2026"].panels["E1"] == 320


def test_the_table_has_a_column_for_each_panel_and_no_formula() -> None:
    days = [
        Day("2026-06-21", 1, 0, 1100, {"=cmd|x": 600, "E2": 500}),
        Day("2026-06-22", 1, 0, 50, {"E2": 50}),
    ]
    rows = list(csv.reader(io.StringIO(csv_of(days, "day"))))
    assert rows == [
        ["day", "plant_kwh", "earlier_kwh", "_cmd_x", "E2"],
        ["2026-06-21", "1.100", "0.000", "0.600", "0.500"],
        ["2026-06-22", "0.050", "0.000", "", "0.050"],
    ]


def test_an_export_is_imported_on_another_card(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = year_of(3)
    store.add(folder, days[:300])
    assert cli.main(["--folder", f"{folder}", "export"]) == 0
    file = tmp_path / "export"
    file.write_text(capsys.readouterr().out)
    other = tmp_path / "other"
    store.add(other, days[200:])
    assert cli.main(["--folder", f"{other}", "import", f"{file}"]) == 0
    assert "300 days added" in capsys.readouterr().out
    assert [day for path in store.months(other) for day in store.read(path)[0]] == days


def test_a_damaged_export_is_imported_but_for_the_named_lines(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line_of(day) for day in year_of(2)[:4]]
    file = tmp_path / "export"
    file.write_bytes(b"".join([lines[0], b"what is this\n", lines[1], lines[2][:70]]))
    assert cli.main(["--folder", f"{folder}", "import", f"{file}"]) == 1
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        f"pvs-bridge history: {file} line 2: the checksum is wrong",
        f"pvs-bridge history: {file} line 4: the checksum is wrong",
    ]
    assert "2 days added" in printed.out


def test_a_file_that_cannot_be_read_is_one_error(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--folder", f"{folder}", "import", f"{tmp_path}/none"]) == 2
    assert "No such file" in capsys.readouterr().err
    assert not folder.exists()
    assert cli.main(["--folder", f"{folder}", "export", "--csv", "month"]) == 0
    assert capsys.readouterr().out == "month,plant_kwh,earlier_kwh\r\n"
