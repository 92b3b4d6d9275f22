"""What an installer can change on the PVS, and what has been changed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from .profiles import ACTIVE_PROFILE, Profile
from .spread import digits, hexadecimal


def serial_for(seed: int, model: str) -> str:
    """Return the serial number of the PVS that belongs to a seed."""
    prefix = "ZT" if model == "PVS6" else "ZQ"
    return f"{prefix}21{digits(2, seed, 'week')}75000612B{digits(4, seed, 'pvs')}"


@dataclass
class State:
    """The PVS's settings. A fresh one is a plant as its installer left it.

    Attributes:
        ct_amps: Size of the current transformers, in A, by `p` and `c`.
        export_limit_watts: None: no limit.
        discovery_started: On the real clock, in seconds; None: never started.
    """

    serial: str
    model: str
    site_type: str = "residential"
    profile: Profile = ACTIVE_PROFILE
    ct_amps: dict[str, int] = field(default_factory=lambda: {"p": 50, "c": 100})
    export_limit_watts: float | None = None
    cell_purchased: str = "null"
    access_point: str = "Meadowlark"
    upgrade_url: str = "none"
    discovery_started: float | None = None
    profiles_created: int = 1_704_100_000
    session_open: bool = False
    telemetry: str = "0"
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def password(self) -> str:
        """The owner's password: the last five characters of the serial number."""
        return self.serial[-5:]

    @property
    def hotspot(self) -> str:
        """Name of the commissioning network."""
        return f"SunPower{self.serial[4:6]}{self.serial[-3:]}"

    @property
    def hotspot_key(self) -> str:
        """Key of the commissioning network."""
        return self.serial[2:6] + self.serial[-4:]

    @property
    def mac(self) -> str:
        """Hardware address of LAN1, locally administered."""
        tail = hexadecimal(8, self.serial, "mac").upper()
        return "02:5A:" + ":".join(tail[i : i + 2] for i in range(0, 8, 2))

    def discovered(self, now: float, duration: float) -> int:
        """Return how far discovery has come, in percent, `now` by the real clock."""
        if self.discovery_started is None or duration <= 0:
            return 100
        share = (now - self.discovery_started) / duration
        return min(100, max(0, math.floor(share * 100)))

    def describe(self) -> dict[str, Any]:
        """Return the state as JSON data."""
        return asdict(self)
