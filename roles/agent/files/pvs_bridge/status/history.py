"""The history behind the page: sums that are kept, and details that are read when asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pvs_bridge.history import store
from pvs_bridge.history.day import SLOT_SECONDS, Day
from pvs_bridge.history.totals import csv_of, totals
from pvs_bridge.monitor.production import local_date

_SHOWN_DAYS = 366
_PERIOD = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_DAY_SECONDS = 86400


class History:
    """Reads the files of the history; a file that has not changed is read once."""

    def __init__(self, folder: Path = store.FOLDER) -> None:
        """Set the folder, which may not exist yet."""
        self._folder = folder
        self._known: dict[Path, tuple[tuple[int, int], dict[str, int], int]] = {}

    def summary(self, wall: float) -> str:
        """Return the energy of the plant by day, month and year, as JSON.

        Args:
            wall: Seconds since 1970. Days after tomorrow are left out: the clock was wrong.
        """
        last = local_date(wall + _DAY_SECONDS)
        days: dict[str, int] = {}
        months: dict[str, int] = {}
        years: dict[str, int] = {}
        for path in store.months(self._folder):
            by_day, earlier = self._month(path)
            if path.stem > last[:7]:
                continue
            days |= {day: wh for day, wh in by_day.items() if day <= last}
            months[path.stem] = sum(by_day.values()) + earlier
            years[path.stem[:4]] = years.get(path.stem[:4], 0) + months[path.stem]
        shown = list(days.items())[-_SHOWN_DAYS:]
        found = {"day": dict(shown), "month": months, "year": years}
        return json.dumps(found, separators=(",", ":"))

    def detail(self, period: str) -> str | None:
        """Return the energy of a day, month or year, and of its panels; None if unknown.

        Args:
            period: Such as ``2026-06-21``, ``2026-06`` or ``2026``.
        """
        if not _PERIOD.fullmatch(period):
            return None
        days = [day for day in self._days(period[:7]) if day.day.startswith(period)]
        kind = {4: "year", 7: "month", 10: "day"}[len(period)]
        total = totals(days, kind).get(period)
        if total is None:
            return None
        found: dict[str, Any] = {"period": period, "wh": total.wh, "panels": total.panels}
        if kind == "day":
            found["midnight"] = days[-1].midnight
            found["points"] = sorted(_points(days))
        else:
            found["wh"] += total.earlier_wh
        return json.dumps(found, separators=(",", ":"))

    def csv(self, period: str) -> str:
        """Return the table of all days, months or years; see :func:`totals.csv_of`."""
        return csv_of(self._days(""), period)

    def _days(self, month: str) -> Iterator[Day]:
        for path in store.months(self._folder):
            if path.stem.startswith(month):
                try:
                    yield from store.read(path)[0]
                except OSError:
                    continue

    def _month(self, path: Path) -> tuple[dict[str, int], int]:
        """Return the energy of each day of a month, and that between days."""
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if path not in self._known or self._known[path][0] != stamp:
                by_day = totals(store.read(path)[0], "day")
                energies = {day: total.wh for day, total in by_day.items()}
                earlier = sum(total.earlier_wh for total in by_day.values())
                self._known[path] = (stamp, energies, earlier)
        except OSError:
            return {}, 0
        return self._known[path][1:]


def _points(days: list[Day]) -> Iterator[tuple[int, int]]:
    for day in days:
        for slot, watts in enumerate(day.watts, day.first_slot):
            if watts is not None:
                yield day.midnight + slot * SLOT_SECONDS + SLOT_SECONDS // 2, watts
