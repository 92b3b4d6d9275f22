"""Inputs of a build: the Debian release, the package mirror, package lists and the build date."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.paths import PROJECT

DEBIAN_RELEASE = "trixie"
# The release's date. Files made while packages are installed get this date, because then a base
# system built again has the same bytes as the cached one.
DEBIAN_RELEASE_EPOCH = 1754697600


def read_list(file: Path) -> list[str]:
    """Read a file with one entry per line and # comments."""
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]


def mirror() -> list[str]:
    """Return mmdebstrap's mirror arguments; empty for Debian's three default archives.

    The card's own package sources do not depend on it.
    """
    chosen = os.environ.get("DEBIAN_MIRROR")
    return [chosen] if chosen else []


def source_date_epoch() -> int:
    """Return the build date in seconds since 1970: SOURCE_DATE_EPOCH, or the last commit's date.

    Raises:
        ImageError: SOURCE_DATE_EPOCH is not a number, or there is neither.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if text:
        if not text.isdecimal():
            raise ImageError(
                f"SOURCE_DATE_EPOCH must be a number of seconds since 1970, got {text}",
                "set SOURCE_DATE_EPOCH=$(date --date=2026-01-01 +%s), or leave it unset",
            )
        return int(text)
    log = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "log", "-1", "--format=%ct"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if log.returncode:
        raise ImageError(
            f"{PROJECT} is not a git clone, so the build date is unknown",
            "set SOURCE_DATE_EPOCH to seconds since 1970, or clone the project",
        )
    return int(log.stdout)
