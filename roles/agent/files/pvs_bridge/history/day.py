"""A day of the history, and the line that holds it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SLOT_SECONDS = 600
"""A year of curves of 5 minutes and of 60 panels can be larger than 1 MiB."""


class LineError(ValueError):
    """A line that is damaged."""


@dataclass(frozen=True)
class Day:
    """The energy of a day. Two records of a day with different starts are parts of it.

    Attributes:
        day: The date in the bridge's time zone, such as ``2026-06-21``.
        start: When the record was begun, in seconds since 1970 by the clock of that moment.
        midnight: When the day began, in seconds since 1970.
        wh: The energy of the plant, in Wh.
        panels: The energy of each panel that the PVS has listed, by serial number, in Wh.
        best: The second best hour of each of them compared with the other panels, in percent, in
            the same order; None if there was too little light.
        earlier_wh: The energy of the plant between the last reading of an earlier day and the first
            one of this day, if too long ago to count for this day.
        earlier_panels: The same for each panel that has some.
        first_slot: The 10 minutes after midnight to which the first power belongs.
        watts: The power of the plant in each 10 minutes; None for those without a reading.
    """

    day: str
    start: int
    midnight: int
    wh: int
    panels: Mapping[str, int] = field(default_factory=dict)
    best: Sequence[int | None] = ()
    earlier_wh: int = 0
    earlier_panels: Mapping[str, int] = field(default_factory=dict)
    first_slot: int = 0
    watts: Sequence[int | None] = ()

    @property
    def month(self) -> str:
        """The month, such as ``2026-06``."""
        return self.day[:7]


def line_of(day: Day) -> bytes:
    """Return the line of a day: a checksum and a JSON object, without defaults."""
    values = {key: value for key, value in vars(day).items() if value}
    body = json.dumps(values, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def read_line(line: bytes) -> Day:
    """Return the day of a line.

    Raises:
        LineError: The line is damaged.
    """
    checksum, _, body = line.rstrip(b"\r\n").partition(b" ")
    if checksum != b"%08x" % zlib.crc32(body):
        raise LineError("the checksum is wrong")
    try:
        day = Day(**{"start": 0, "midnight": 0, "wh": 0, **json.loads(body)})
    except (ValueError, TypeError, RecursionError) as error:
        raise LineError("it is not a day") from error
    if not _is_valid(day):
        raise LineError("it is not a day")
    return day


def _is_valid(day: Day) -> bool:
    """Return whether all values have their types; a line of an import may have any."""
    numbers = [day.start, day.midnight, day.wh, day.earlier_wh, day.first_slot]
    if not all(isinstance(each, Mapping) for each in (day.panels, day.earlier_panels)):
        return False
    if not all(isinstance(each, list | tuple) for each in (day.watts, day.best)):
        return False
    if not _is_date(day.day):
        return False
    numbers += [*day.panels.values(), *day.earlier_panels.values()]
    numbers += [each for each in (*day.watts, *day.best) if each is not None]
    return all(type(each) is int and abs(each) < 10**12 for each in numbers)


def _is_date(text: object) -> bool:
    """Return whether a text is a date; it becomes the name of a file."""
    if not isinstance(text, str) or not text.isascii() or len(text) != len("2026-06-21"):
        return False
    year, *rest = text.split("-")
    if len(rest) != 2 or len(year) != 4 or not all(each.isdigit() for each in (year, *rest)):
        return False
    return 1 <= int(rest[0]) <= 12 and 1 <= int(rest[1]) <= 31
