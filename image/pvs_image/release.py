"""A release of the card: version, base and date, from which file names and metadata come."""

from __future__ import annotations

import dataclasses
import tomllib

from pvs_image.paths import PROJECT

BASES = ("debian", "raspios")


@dataclasses.dataclass(frozen=True)
class Release:
    """A card that is built.

    Attributes:
        version: the project's version.
        base: one of BASES.
        source_date_epoch: the build date, in seconds since 1970.
    """

    version: str
    base: str
    source_date_epoch: int

    @property
    def name(self) -> str:
        """The start of its files' names."""
        return f"pvs-bridge-{self.version}-{self.base}"


def project_version() -> str:
    """Return the version in pyproject.toml."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
