"""The image that is tested: the very file that would be shipped, unpacked once."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pvs_image.paths import cache_dir
from pvs_image.personalise import unpacked
from pvs_lab.errors import LabError

_PROJECT = Path(__file__).resolve().parents[2]


def image() -> Path:
    """The image's bytes, as a card would have them.

    Returns:
        an unpacked image, to be read only.

    Raises:
        ImageError: it is damaged, or there is no space.
        LabError: there is no image, or more than one.
    """
    packed = _packed()
    if packed.suffix != ".xz":
        return packed
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    # Once for all test processes.
    with (folder / "tested.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return unpacked(packed)


def _packed() -> Path:
    """The file that is shipped."""
    named = os.environ.get("PVS_BRIDGE_IMAGE")
    found = [Path(named)] if named else sorted((_PROJECT / "build").glob("pvs-bridge-*.img.xz"))
    if len(found) == 1 and found[0].is_file():
        return found[0]
    raise LabError(
        f"which image to test is not clear: {', '.join(map(str, found)) or 'there is none'}",
        "make image, or name one: PVS_BRIDGE_IMAGE=build/pvs-bridge-...img.xz make test-image",
    )
