"""Release, network backend and firmware of a twin, and why they were chosen."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import TypeVar

from pvs_bridge.pvs.firmware import read_firmware
from pvs_lab.options import DEFAULT_BACKEND
from pvs_sim.firmware import DEFAULT_BUILDS

_Known = TypeVar("_Known", str, int)

DEFAULT_RELEASE = "trixie"


@dataclasses.dataclass(frozen=True)
class Seen:
    """What is known about a bridge; None if unknown.

    Attributes:
        release: Debian release of the Pi.
        backend: network backend of the Pi.
        firmware: build of the PVS's firmware.
    """

    release: str | None = None
    backend: str | None = None
    firmware: int | None = None


@dataclasses.dataclass(frozen=True)
class System:
    """The system of a twin.

    Attributes:
        release: Debian release of the Pi.
        backend: network backend of the Pi.
        firmware: build of the PVS's firmware.
        reasons: why each of these was chosen, in this order.
    """

    release: str
    backend: str
    firmware: int
    reasons: tuple[str, str, str] = ("", "", "")

    @property
    def model(self) -> str:
        """The PVS's model, which the agent derives from the build."""
        about = {"supervisor": {"BUILD": self.firmware}}
        return read_firmware(json.dumps(about).encode()).model

    def __str__(self) -> str:
        """Return all values with their reasons on one line."""
        parts = (self.release, self.backend, f"firmware {self.firmware}")
        return ", ".join(f"{part} ({why})" for part, why in zip(parts, self.reasons, strict=True))


def choose(given: Seen, live: Seen, last: Seen, bridge_backend: str) -> System:
    """Choose the system of a twin.

    Args:
        given: options of the user.
        live: found on the Pi, if it is reachable.
        last: from the last rehearsal.
        bridge_backend: the variable of the configuration; with ``auto`` the Pi decides.
    """
    known = ((given, "as requested"), (live, "as on the Pi"), (last, "as in the last rehearsal"))
    release, why_release = _first(
        ((seen.release, why) for seen, why in known), (DEFAULT_RELEASE, "the default")
    )
    if bridge_backend == "auto":
        otherwise = (DEFAULT_BACKEND, "the default")
    else:
        otherwise = (bridge_backend, "as configured")
    # The backend of another release does not matter.
    backend, why_backend = _first(
        ((seen.backend, why) for seen, why in known if seen is given or seen.release == release),
        otherwise,
    )
    firmware, why_firmware = _first(
        ((seen.firmware, why) for seen, why in known), (DEFAULT_BUILDS["PVS6"], "the default")
    )
    return System(release, backend, firmware, (why_release, why_backend, why_firmware))


def _first(
    known: Iterable[tuple[_Known | None, str]], otherwise: tuple[_Known, str]
) -> tuple[_Known, str]:
    """Return the first known value, with its reason."""
    return next(((value, why) for value, why in known if value is not None), otherwise)
