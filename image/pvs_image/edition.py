"""Which card it is: the names of its files, and what Raspberry Pi Imager is told of it."""

from __future__ import annotations

import dataclasses

BASES = ("debian", "raspios")


@dataclasses.dataclass(frozen=True)
class Edition:
    """A card that is built.

    Attributes:
        version: of this project.
        base: one of BASES.
        source_date_epoch: its time, in seconds.
    """

    version: str
    base: str
    source_date_epoch: int

    @property
    def name(self) -> str:
        """What its files' names begin with."""
        return f"pvs-bridge-{self.version}-{self.base}"
