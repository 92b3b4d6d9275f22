"""Make an image for one bridge: a copy with configuration files, in seconds and without root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pvs_image.block_map import copy_ranges, mapped_ranges, partitions_of
from pvs_image.errors import ImageError
from pvs_image.fat import put_file
from pvs_image.paths import cache_dir
from pvs_image.xz import unpack

# Unpacked images kept in the cache: the current one and the previous one.
_KEPT = 2


def personalise(image: Path, target: Path, files: Mapping[str, str | bytes]) -> None:
    """Write a copy of an image with additional files in its boot partition.

    The copy has mode 0600, because it contains secrets, and gets its name when it is complete.

    Args:
        image: an .img, or an .img.xz, whose unpacked form is cached.
        target: the copy.
        files: the content of each file, by name.

    Raises:
        ImageError: the image is missing or not a card image, or the disk is full.
    """
    if not image.is_file():
        raise ImageError(
            f"IMAGE={image} does not exist", "build it first: make image; or name one with IMAGE="
        )
    card = unpacked(image) if image.suffix == ".xz" else image
    _, boot, _ = partitions_of(card)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".personalising-", dir=target.parent) as folder:
            copy = Path(folder) / target.name
            copy_ranges(card, copy, mapped_ranges(card))
            for name, content in files.items():
                put_file(copy, boot.start_bytes, name, content)
            copy.rename(target)
    except OSError as error:
        raise ImageError(
            f"{target} cannot be written: {error.strerror}",
            "free some space there, or name another file with --output",
        ) from error


def unpacked(image: Path) -> Path:
    """Return the unpacked form of an .img.xz, from the cache if it is there.

    Args:
        image: an .img.xz.

    Raises:
        ImageError: it is damaged, or the disk is full.
    """
    status = image.stat()
    folder = cache_dir() / "unpacked"
    # The size and time tell builds with the same file name apart.
    card = folder / f"{image.stem}-{status.st_size:x}-{status.st_mtime_ns:x}.img"
    if not card.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unpack(image, card)
    os.utime(card)
    for old in sorted(folder.glob("*.img"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink()
    return card
