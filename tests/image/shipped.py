"""The image that is tested: the very file that would be shipped, unpacked once."""

from __future__ import annotations

import fcntl
import lzma
import os
import shutil
from pathlib import Path

from pvs_lab.errors import LabError
from pvs_lab.paths import cache_dir

_PROJECT = Path(__file__).resolve().parents[2]
_BLOCK_BYTES = 4 * 1024 * 1024


def image() -> Path:
    """The image's bytes, as a card would have them.

    Returns:
        an unpacked image, to be read only.

    Raises:
        LabError: there is no image, or more than one.
    """
    packed = _packed()
    if packed.suffix != ".xz":
        return packed
    folder = cache_dir() / "image/tested"
    folder.mkdir(parents=True, exist_ok=True)
    seen = packed.stat()
    unpacked = folder / f"{packed.stem}-{seen.st_size}-{seen.st_mtime_ns}"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not unpacked.exists():
            for older in folder.glob(f"{packed.stem}-*"):
                older.unlink()
            _unpack(packed, unpacked)
    return unpacked


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


def _unpack(packed: Path, unpacked: Path) -> None:
    """Unpack under another name first, and leave holes where there is nothing."""
    unfinished = unpacked.with_suffix(".new")
    with lzma.open(packed) as source, unfinished.open("wb") as target:
        while block := source.read(_BLOCK_BYTES):
            if block.count(0) == len(block):
                target.seek(len(block), os.SEEK_CUR)
            else:
                target.write(block)
        target.truncate()
    shutil.copymode(packed, unfinished)
    unfinished.rename(unpacked)
