"""What the card is made of: Debian's release, its archives, and when it is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.paths import PROJECT

RELEASE = "trixie"
# The day of the release. What is made while packages are installed is from this day, so that a base
# that has been kept is the same as one that is made anew.
RELEASE_EPOCH = 1754697600
NAME = "pvs-bridge"


def read_list(file: Path) -> list[str]:
    """Read a file with one entry a line, and comments."""
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]


def mirror() -> list[str]:
    """Return where mmdebstrap is to get packages from; nothing for Debian's usual three archives.

    What the card itself asks later on does not depend on it.
    """
    chosen = os.environ.get("DEBIAN_MIRROR")
    return [chosen] if chosen else []


def source_date_epoch() -> int:
    """Return the time that a card is of, in seconds: SOURCE_DATE_EPOCH, or that of the last commit.

    Raises:
        ImageError: it is no number, or there is neither.
    """
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    if said:
        if not said.isdecimal():
            raise ImageError(
                f"SOURCE_DATE_EPOCH={said} is not a number of seconds since 1970",
                "set it by SOURCE_DATE_EPOCH=$(date --date=2026-01-01 +%s), or not at all",
            )
        return int(said)
    asked = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "log", "-1", "--format=%ct"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise ImageError(
            f"{PROJECT} is no clone of git's, so that the card's date is not known",
            "set SOURCE_DATE_EPOCH to the seconds since 1970, or clone the project",
        )
    return int(asked.stdout)
