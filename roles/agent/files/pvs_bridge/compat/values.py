"""One value from the newer API to the older one: what cannot be read becomes None."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

# Only what a PVS writes: no nan, no inf, none of the other spellings that Python would take.
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?(e[+-]?[0-9]{1,2})?", re.IGNORECASE | re.ASCII)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
_TEXT = re.compile(r"[ -~]{1,64}")
_LARGEST = Decimal(10) ** 12


def decimal(text: str | None) -> Decimal | None:
    """Read a number."""
    if text is None or _NUMBER.fullmatch(text) is None:
        return None
    value = Decimal(text)
    return value if abs(value) < _LARGEST else None


def number(text: str | None, places: int) -> str | None:
    """Write a number as the older API does: rounded, without needless zeros."""
    value = decimal(text)
    return None if value is None else _plain(value, places)


def scaled(text: str | None, factor: int, places: int) -> float | None:
    """Return a number times a factor, for the few places where the older API has real numbers."""
    value = decimal(text)
    return None if value is None else float(_plain(value * factor, places))


def _plain(value: Decimal, places: int) -> str:
    # As a PVS rounds, by way of C's printf.
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    written = f"{rounded:f}"
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if written == "-0" else written


def text(value: str | None) -> str | None:
    """Take a text as it is, if it is one that can be shown."""
    return value if value is not None and _TEXT.fullmatch(value) is not None else None


def instant(value: str | None) -> int | None:
    """Read a time such as 2026-06-21T19:05:00Z as seconds since 1970."""
    if value is None or _ISO.fullmatch(value) is None:
        return None
    try:
        return int(datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z").timestamp())
    except (ValueError, OverflowError):
        return None


def epoch(value: str | None) -> int | None:
    """Read a time in seconds since 1970."""
    seconds = decimal(value)
    # A clock that was never set begins at 1970.
    return int(seconds) if seconds is not None and 0 < seconds < 253402300800 else None


def stamp(seconds: int) -> str:
    """Write a time as the older API does: 2026,06,21,19,05,00, in UTC."""
    return _moment(seconds, "%Y,%m,%d,%H,%M,%S")


def updated(seconds: int) -> str:
    """Write a time as energy-storage-system/status does: 2026-06-21 19:05:00, in UTC."""
    return _moment(seconds, "%Y-%m-%d %H:%M:%S")


def _moment(seconds: int, form: str) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    # The year by hand: before 1000, strftime's %Y has no zeros in front on Linux.
    return moment.strftime(form.replace("%Y", f"{moment.year:04d}"))


def whole(value: str | None) -> str | None:
    """Write the whole part of a number, as of a time that has passed."""
    read = decimal(value)
    return str(int(read)) if read is not None else None
