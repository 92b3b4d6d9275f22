"""What a PVS says about its firmware, and what follows for its device list."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pvs_bridge.text import clean

FIRST_LOCKED = {"PVS5": 5408, "PVS6": 61840}
RANDOM_403_BUILDS = range(61827, 61830)
HIGHEST_PVS5_BUILD = 20_000  # no PVS6 in the field has so low a build


@dataclass(frozen=True)
class Firmware:
    """A build on a model; `build` is None if the PVS did not tell it."""

    model: str
    build: int | None

    @property
    def locked(self) -> bool:
        """The device list is closed for good, and the newer interface is there instead."""
        return self.build is not None and self.build >= FIRST_LOCKED[self.model]

    @property
    def refuses_at_random(self) -> bool:
        """The device list is refused now and then, until the PVS is switched off and on."""
        return self.model == "PVS6" and self.build in RANDOM_403_BUILDS


UNKNOWN_FIRMWARE = Firmware("PVS6", None)


def read_information(body: bytes) -> Firmware:
    """Read an answer of supervisor/info, or of a PVS5, whose answer lacks BUILD."""
    try:
        about: Any = json.loads(body)["supervisor"]
        # Without BUILD the version ends with it, as in "2025.10, Build 5408".
        number = re.search(r"(\d{1,9})\D*$", clean(about.get("BUILD") or about.get("SWVER")))
        told = re.search(r"PVS[56]", clean(about.get("MODEL")).upper())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return UNKNOWN_FIRMWARE
    build = int(number.group(1)) if number else None
    small = build is not None and build < HIGHEST_PVS5_BUILD
    return Firmware(told.group() if told else "PVS5" if small else "PVS6", build)


def read_revision(body: bytes) -> str | None:
    """Return sw_rev out of an answer of /vars, such as 2025.10.13.61846; None if there is none."""
    try:
        (value,) = json.loads(body)["values"]
        return clean(value["value"]) or None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
