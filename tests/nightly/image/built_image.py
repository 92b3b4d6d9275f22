"""The image under test: the published file, unpacked once."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pvs_image.paths import cache_dir
from pvs_image.personalise import unpacked
from pvs_lab.errors import LabError

_PROJECT = Path(__file__).resolve().parents[3]


def built_image() -> Path:
    """Return the unpacked image, which tests must not modify.

    Raises:
        ImageError: it is damaged, or the disk is full.
        LabError: build/ has no image, or several.
    """
    packed = _packed()
    if packed.suffix != ".xz":
        return packed
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    # Only one test process unpacks it.
    with (folder / "tested.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return unpacked(packed)


def _packed() -> Path:
    """Return the published file."""
    named = os.environ.get("PVS_BRIDGE_IMAGE")
    found = [Path(named)] if named else sorted((_PROJECT / "build").glob("pvs-bridge-*.img.xz"))
    if len(found) == 1 and found[0].is_file():
        return found[0]
    raise LabError(
        f"build/ must have one image, got: {', '.join(map(str, found)) or 'none'}",
        "make image, or name one: PVS_BRIDGE_IMAGE=build/pvs-bridge-...img.xz make test-image",
    )
