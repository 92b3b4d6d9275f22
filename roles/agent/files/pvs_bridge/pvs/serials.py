"""Serial numbers, and entries that have none."""

from __future__ import annotations

LONGEST = 256
"""A SunVault has 12 characters, and 15 more for each of its modules."""

_STORAGE_INVERTER, _MODULE = 12, 15


def serial_of(value: object) -> str | None:
    """Return a serial number; None if the text says that there is none.

    A PVS lists inverters that do not exist, with a serial number such as "NO SERIAL NUMBER". The
    serial numbers of real devices are one word and have a digit other than 0.
    """
    text = value.strip() if isinstance(value, str) else ""
    real = 0 < len(text) <= LONGEST and all("!" <= each <= "~" for each in text)
    return text if real and any(each in "123456789" for each in text) else None


def parts_of_storage(serial: str | None) -> tuple[str, tuple[str, ...]] | None:
    """Split the serial number of a SunVault into its inverter's and its modules'; None for others.

    Two modules have 12 + 15 + 15 characters.
    """
    rest = (serial or "")[_STORAGE_INVERTER:]
    if not rest or len(rest) % _MODULE:
        return None
    modules = tuple(rest[at : at + _MODULE] for at in range(0, len(rest), _MODULE))
    return (serial or "")[:_STORAGE_INVERTER], modules
