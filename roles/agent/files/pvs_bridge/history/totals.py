"""Sums of the history: by day, month and year, for the plant and for each panel."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pvs_bridge.history.day import Day

PERIODS = {"day": 10, "month": 7, "year": 4}
"""How many characters of a date name a period."""


@dataclass
class Total:
    """The energy of a period, in Wh.

    Attributes:
        wh: That of the plant, by its days.
        earlier_wh: That of the plant between days, which belongs to none of them.
        panels: That of each panel.
    """

    wh: int = 0
    earlier_wh: int = 0
    panels: dict[str, int] = field(default_factory=dict)

    def add(self, day: Day, *, is_day: bool) -> None:
        """Add a day; the energy between days counts for longer periods only."""
        self.wh += day.wh
        self.earlier_wh += day.earlier_wh
        for each in (day.panels,) if is_day else (day.panels, day.earlier_panels):
            for serial, wh in each.items():
                self.panels[serial] = self.panels.get(serial, 0) + wh


def totals(days: Iterable[Day], period: str) -> dict[str, Total]:
    """Return the energy of each day, month or year, by its name, in the order of the days.

    Args:
        days: The oldest first.
        period: A key of PERIODS.
    """
    found: dict[str, Total] = {}
    for day in days:
        name = day.day[: PERIODS[period]]
        found.setdefault(name, Total()).add(day, is_day=period == "day")
    return found


def csv_of(days: Iterable[Day], period: str) -> str:
    """Return a table with a row for each period; energies are in kWh.

    Args:
        days: The oldest first.
        period: A key of PERIODS.
    """
    rows = totals(days, period)
    serials = sorted({serial for total in rows.values() for serial in total.panels})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([period, "plant_kwh", "earlier_kwh", *map(_name, serials)])
    writer.writerows(_cells(name, total, serials) for name, total in rows.items())
    return text.getvalue()


def _cells(name: str, total: Total, serials: Iterable[str]) -> Iterator[str]:
    yield from (name, _kwh(total.wh), _kwh(total.earlier_wh))
    yield from (_kwh(total.panels[each]) if each in total.panels else "" for each in serials)


def _kwh(wh: int) -> str:
    return f"{wh / 1000:.3f}"


def _name(serial: str) -> str:
    """Return a serial number that no spreadsheet takes for a formula; it comes from the PVS."""
    return re.sub(r"[^A-Za-z0-9]", "_", serial)
