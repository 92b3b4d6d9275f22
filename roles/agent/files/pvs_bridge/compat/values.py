"""Convert values of the new API for the old one; an invalid value becomes None."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

# Only what a PVS writes. Python would also accept nan, inf and other spellings.
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?(e[+-]?[0-9]{1,2})?", re.IGNORECASE | re.ASCII)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
_TEXT = re.compile(r"[ -~]{1,256}")  # the serial number of a SunVault with four modules has 72
_LARGEST = Decimal(10) ** 12


def decimal(text: str | None) -> Decimal | None:
    """Read a number."""
    if text is None or _NUMBER.fullmatch(text) is None:
        return None
    value = Decimal(text)
    return value if abs(value) < _LARGEST else None


def number(text: str | None, places: int) -> str | None:
    """Format a number as the old API does: rounded, without trailing zeros."""
    value = decimal(text)
    return None if value is None else _plain(value, places)


def current(kilovolt_amperes: str | None, volts: str | None, places: int) -> str | None:
    """Return the current in A of an apparent power in kVA at a voltage."""
    power, voltage = decimal(kilovolt_amperes), decimal(volts)
    return _plain(power * 1000 / voltage, places) if power is not None and voltage else None


def scaled(text: str | None, factor: int, places: int) -> float | None:
    """Return a number times a factor, for the few keys that are JSON numbers in the old API."""
    value = decimal(text)
    return None if value is None else float(_plain(value * factor, places))


def _plain(value: Decimal, places: int) -> str:
    # A PVS rounds with C's printf.
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    written = f"{rounded:f}"
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if written == "-0" else written


def text(value: str | None) -> str | None:
    """Return a text if it is short and printable."""
    return value if value is not None and _TEXT.fullmatch(value) is not None else None


def instant(value: str | None) -> int | None:
    """Read a time such as 2026-06-21T19:05:00Z as seconds since 1970."""
    if value is None or _ISO.fullmatch(value) is None:
        return None
    try:
        return int(datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z").timestamp())
    except (ValueError, OverflowError):
        return None


def iso(seconds: int) -> str:
    """Format a time as the new API does: 2026-06-21T19:05:00Z."""
    return _moment(seconds, "%Y-%m-%dT%H:%M:%SZ")


def from_stamp(value: object) -> int | None:
    """Read a time of the old API, such as 2026,06,21,19,05,00, as seconds since 1970."""
    return _read(value, "%Y,%m,%d,%H,%M,%S")


def from_updated(value: object) -> int | None:
    """Read a time of energy-storage-system/status, such as 2026-06-21 19:05:00."""
    return _read(value, "%Y-%m-%d %H:%M:%S")


def _read(value: object, form: str) -> int | None:
    if not isinstance(value, str) or len(value) != 19 or not value.isascii():
        return None
    try:
        return int(datetime.strptime(f"{value}+0000", f"{form}%z").timestamp())
    except (ValueError, OverflowError):
        return None


def epoch(value: str | None) -> int | None:
    """Read a time in seconds since 1970."""
    seconds = decimal(value)
    # A clock that was never set shows 1970.
    return int(seconds) if seconds is not None and 0 < seconds < 253402300800 else None


def stamp(seconds: int) -> str:
    """Format a time as the old API does: 2026,06,21,19,05,00, in UTC."""
    return _moment(seconds, "%Y,%m,%d,%H,%M,%S")


def updated(seconds: int) -> str:
    """Format a time as energy-storage-system/status does: 2026-06-21 19:05:00, in UTC."""
    return _moment(seconds, "%Y-%m-%d %H:%M:%S")


def _moment(seconds: int, form: str) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    # strftime's %Y does not pad years before 1000 with zeros on Linux.
    return moment.strftime(form.replace("%Y", f"{moment.year:04d}"))


def whole(value: str | None) -> str | None:
    """Return the integer part of a number, such as an uptime."""
    read = decimal(value)
    return str(int(read)) if read is not None else None
