"""Which Pi and which PVS a twin is of, and how that is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TypeVar

from pvs_lab.options import DEFAULT_BACKEND
from pvs_sim.firmware import DEFAULT_BUILDS, Firmware

_Known = TypeVar("_Known", str, int)

USUAL_RELEASE = "trixie"
# No PVS6 in the field has so low a build.
_FIRST_OF_PVS6 = 20_000


@dataclasses.dataclass(frozen=True)
class Seen:
    """What somebody knows about a bridge; None where it is not known.

    Attributes:
        release: Debian release of the Pi.
        backend: what configures the Pi's network.
        firmware: build of the PVS's firmware.
    """

    release: str | None = None
    backend: str | None = None
    firmware: int | None = None


@dataclasses.dataclass(frozen=True)
class System:
    """What a twin is made of.

    Attributes:
        release: Debian release of the Pi.
        backend: what configures the Pi's network.
        firmware: build of the PVS's firmware.
        reasons: for each of these, in this order, why it was chosen.
    """

    release: str
    backend: str
    firmware: int
    reasons: tuple[str, str, str] = ("", "", "")

    @property
    def pvs(self) -> Firmware:
        """What the firmware decides, the PVS's model included."""
        return Firmware("PVS6" if self.firmware >= _FIRST_OF_PVS6 else "PVS5", self.firmware)

    def __str__(self) -> str:
        """On one line, with the reasons."""
        parts = (self.release, self.backend, f"firmware {self.firmware}")
        return ", ".join(f"{part} ({why})" for part, why in zip(parts, self.reasons, strict=True))


def choose(given: Seen, live: Seen, remembered: Seen, bridge_backend: str) -> System:
    """Choose what a twin is made of.

    Args:
        given: by whoever asks for the rehearsal.
        live: by the Pi itself, as far as it was reached.
        remembered: from the last time.
        bridge_backend: the description's; ``auto`` leaves it to the Pi.
    """
    known = ((given, "as asked for"), (live, "as on the Pi"), (remembered, "as the last time"))
    release, why_release = _first(
        ((seen.release, why) for seen, why in known), (USUAL_RELEASE, "the usual one")
    )
    if bridge_backend == "auto":
        otherwise = (DEFAULT_BACKEND, "the usual one")
    else:
        otherwise = (bridge_backend, "as described")
    # What ran on another release says nothing about this one.
    backend, why_backend = _first(
        ((seen.backend, why) for seen, why in known if seen is given or seen.release == release),
        otherwise,
    )
    firmware, why_firmware = _first(
        ((seen.firmware, why) for seen, why in known), (DEFAULT_BUILDS["PVS6"], "the usual one")
    )
    return System(release, backend, firmware, (why_release, why_backend, why_firmware))


def _first(
    known: Iterable[tuple[_Known | None, str]], otherwise: tuple[_Known, str]
) -> tuple[_Known, str]:
    """Return the first value that is known, with its reason."""
    return next(((value, why) for value, why in known if value is not None), otherwise)
