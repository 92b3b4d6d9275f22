"""The devices that a PVS has listed before, so that a list that is too short is noticed.

After a restart, a PVS lists a part of its devices for minutes to days. Others vanish from a good
list until the PVS is restarted.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from pvs_bridge import atomic

FORGET_SECONDS = 14 * 86400.0
"""A device that is missing for longer was removed. A list was too short for two days at most."""

METER = "meter "
"""Before the serial number of a meter, among those of the panels."""

SAVE_SECONDS = 3600.0
"""How often a change may be written to the card."""

_MOST = 500


@dataclass(frozen=True)
class Known:
    """The devices of one PVS.

    Attributes:
        pvs: The serial number of the PVS.
        missing_since: By serial number of the device: when it was first missing, in seconds since
            1970; None while it is listed.
    """

    pvs: str = ""
    missing_since: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """The serial numbers of the devices that are not listed now."""
        return tuple(serial for serial, at in self.missing_since.items() if at is not None)

    def seen(self, pvs: str, listed: Collection[str], now: float | None) -> Known:
        """Return what is known after a list.

        Args:
            pvs: The PVS that sent it; the devices of another one are forgotten.
            listed: The serial numbers in it.
            now: Seconds since 1970; None while the clock is wrong, and then nothing is forgotten.
        """
        result: dict[str, float | None] = dict.fromkeys(listed)
        for serial, at in self.missing_since.items() if pvs == self.pvs else ():
            # A clock that was wrong may have been ahead.
            since = at if now is None else now if at is None else min(at, now)
            if serial not in result and (now is None or now - (since or now) < FORGET_SECONDS):
                result[serial] = since
        return Known(pvs, dict(islice(result.items(), _MOST)))

    def differs(self, other: Known) -> bool:
        """Return whether other devices are known, or others of them are missing."""
        return (self.pvs, self.missing_since) != (other.pvs, other.missing_since)


def load(path: Path) -> Known:
    """Read what save() has written; nothing if the file is missing or damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        pvs, devices = values["pvs"], values["missing_since"]
        times = {
            str(serial): None if at is None else float(at)
            for serial, at in islice(devices.items(), _MOST)
        }
        return Known(str(pvs), times)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Known()


def save(path: Path, known: Known) -> None:
    """Write what is known to the card; private, because it has the serial number of the PVS.

    Raises:
        OSError: The file cannot be written.
    """
    atomic.write(path, json.dumps(asdict(known)).encode(), 0o600)
