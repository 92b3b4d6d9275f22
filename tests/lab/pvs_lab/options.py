"""The options of a lab."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

from pvs_lab.errors import LabError
from pvs_lab.topology import Topology

RELEASES = ("bookworm", "trixie")
BACKENDS = ("networkmanager", "dhcpcd")
# Raspberry Pi OS runs it on each of these releases.
DEFAULT_BACKEND = "networkmanager"


def check_name(name: str) -> None:
    """Refuse a name that could lead to a file outside of the lab's folder.

    Raises:
        LabError: the name is not valid.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise LabError(
            f"LAB={name!r} is not valid as the name of a lab",
            "use up to 31 lower-case letters, digits and hyphens, a letter first",
        )


def split_simulator_options(text: str) -> tuple[str, ...]:
    """Options for the simulator, as a shell would split them.

    Raises:
        LabError: a quote is not closed.
    """
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise LabError(f"SIMULATOR={text!r}: {error}", "close the quote") from None


@dataclasses.dataclass(frozen=True)
class LabOptions:
    """One lab's description.

    Attributes:
        name: tells labs apart that run side by side.
        release: Debian release of the bridge.
        backend: what configures the bridge's network.
        simulator_arguments: handed on to ``python3 -m pvs_sim``.
        topology: the addresses around the bridge, and its interfaces.
        radio: whether the bridge has a real radio, which takes a machine of its own.
        more_packages: Debian packages that are on the Pi's card beside the usual ones.
        card: what the bridge boots, as it was flashed, and writes to; such a bridge has a radio.
        card_mib: room on the lab's own card for what the bridge writes; 0 for as much as there is.
        layers: folders to mount over the image, the topmost first, such as a golden bridge's.
    """

    name: str
    release: str
    backend: str
    simulator_arguments: tuple[str, ...] = ()
    topology: Topology = dataclasses.field(default_factory=Topology)
    radio: bool = False
    more_packages: tuple[str, ...] = ()
    card: Path | None = None
    card_mib: int = 0
    layers: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Refuse options for which no image exists.

        Raises:
            LabError: an option has an impossible value.
        """
        check_name(self.name)
        if self.release not in RELEASES:
            raise LabError(
                f"RELEASE={self.release!r} is not a release that the lab knows",
                f"use one of {', '.join(RELEASES)}",
            )
        if self.backend not in BACKENDS:
            raise LabError(
                f"BACKEND={self.backend!r} is not a network backend",
                f"use one of {', '.join(BACKENDS)}",
            )
        if self.card is not None and not self.card.is_file():
            raise LabError(
                f"there is no card {str(self.card)!r}",
                "unpack an image into a file of its own: the Pi writes to it",
            )
