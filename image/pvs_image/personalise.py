"""A card for one bridge: a copy of the image with its description, in seconds and without root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pvs_image.compress import unpack
from pvs_image.errors import ImageError
from pvs_image.fat import put_file
from pvs_image.mapped import copy_ranges, mapped_ranges, partitions_of
from pvs_image.paths import cache_dir

# Of images unpacked for cards: the one in use, and the one before it.
_KEPT = 2


def personalise(image: Path, target: Path, files: Mapping[str, str]) -> None:
    """Write a copy of a card with more files in its boot partition.

    The copy is its owner's alone, for it holds secrets, and appears under its name when complete.

    Args:
        image: the card: .img, or .img.xz, which is kept unpacked for the next time.
        target: the copy.
        files: their texts, by name.

    Raises:
        ImageError: the image is missing or no card, or there is no space.
    """
    if not image.is_file():
        raise ImageError(
            f"IMAGE={image} does not exist", "build it first: make image; or name one by IMAGE="
        )
    card = unpacked(image) if image.suffix == ".xz" else image
    _, boot, _ = partitions_of(card)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".personalising-", dir=target.parent) as folder:
            copy = Path(folder) / target.name
            copy_ranges(card, copy, mapped_ranges(card))
            for name, text in files.items():
                put_file(copy, boot.start_bytes, name, text)
            copy.rename(target)
    except OSError as error:
        raise ImageError(
            f"{target} cannot be written: {error.strerror}",
            "make room there, or name another file by --output",
        ) from error


def unpacked(image: Path) -> Path:
    """Return an image without its xz, from the cache where it is there already.

    Args:
        image: an .img.xz.

    Raises:
        ImageError: it is damaged, or there is no space.
    """
    status = image.stat()
    folder = cache_dir() / "unpacked"
    # What is built again is another file, with another time.
    card = folder / f"{image.stem}-{status.st_size:x}-{status.st_mtime_ns:x}.img"
    if not card.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unpack(image, card)
    os.utime(card)
    for old in sorted(folder.glob("*.img"), key=lambda each: each.stat().st_mtime)[:-_KEPT]:
        old.unlink()
    return card
