"""The block map of an image: which byte ranges are in use and have to be written to a card.

The ranges come from the file systems' allocation tables. Holes of the image file would not do,
because they depend on how it was copied, and because a used block of zeros must be written too.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from pvs_image import ext4, fat
from pvs_image.errors import ImageError
from pvs_image.mbr import FAT32, LINUX, Partition, read_table
from pvs_image.partition_layout import SECTOR_BYTES

BLOCK_BYTES = 4096
Range = tuple[int, int]


def partitions_of(image: Path) -> tuple[int, Partition, Partition]:
    """Return the disk id, the boot partition and the root partition of a Pi's card.

    Raises:
        ImageError: the file is not such an image.
    """
    with image.open("rb") as file:
        try:
            disk_id, partitions = read_table(file.read(SECTOR_BYTES))
        except ValueError:
            raise ImageError(
                f"{image} is not a card image: it has no partition table",
                "name the .img or .img.xz of a card",
            ) from None
    kinds = [each.kind for each in partitions]
    if kinds != [FAT32, LINUX]:
        found = ", ".join(f"{kind:#04x}" for kind in kinds) or "none"
        raise ImageError(
            f"{image} must have partitions of type 0x0c and 0x83, got {found}",
            "name an image of Raspberry Pi OS or of this project",
        )
    boot, root = partitions
    if root.start_bytes + root.size_bytes > image.stat().st_size:
        raise ImageError(
            f"{image} is truncated: it is shorter than its partition table says",
            "download or build it again",
        )
    return disk_id, boot, root


def mapped_ranges(image: Path) -> list[Range]:
    """Return the used ranges of an image, in whole blocks of 4 KiB, adjacent ones joined.

    Args:
        image: the image.

    Raises:
        ImageError: it is not a card image, or one of its file systems cannot be read.
    """
    _, boot, root = partitions_of(image)
    try:
        ranges = [
            (0, SECTOR_BYTES),
            *fat.used_ranges(image, boot.start_bytes),
            *ext4.used_ranges(image, root.start_bytes, root.size_bytes),
        ]
    except ValueError:
        raise ImageError(
            f"{image} has no FAT32 file system in partition 1", "download or build it again"
        ) from None
    return list(_joined(ranges))


def pieces(ranges: list[Range], size_bytes: int) -> Iterator[Range]:
    """Split ranges into pieces of at most the given size."""
    for begin, end in ranges:
        for at in range(begin, end, size_bytes):
            yield at, min(at + size_bytes, end)


def copy_ranges(source: Path, target: Path, ranges: list[Range]) -> None:
    """Copy ranges into a new sparse file of the same length.

    Args:
        source: the image.
        target: must not exist; created with mode 0600.
        ranges: what to copy.
    """
    with source.open("rb") as file, target.open("xb") as copy:
        os.fchmod(copy.fileno(), 0o600)
        copy.truncate(source.stat().st_size)
        for begin, end in ranges:
            _copy(file.fileno(), copy.fileno(), begin, end)


def _copy(source: int, target: int, at: int, end: int) -> None:
    """Copy within the kernel, which shares blocks instead if the file system can."""
    try:
        while at < end:
            at += os.copy_file_range(source, target, end - at, offset_src=at, offset_dst=at)
    except OSError as error:
        # copy_file_range does not work between some file systems.
        if error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        os.lseek(target, at, os.SEEK_SET)
        while at < end:
            at += os.sendfile(target, source, at, end - at)


def _joined(ranges: list[Range]) -> Iterator[Range]:
    """Extend ranges to whole blocks, and join those that touch or overlap."""
    blocks = sorted((begin // BLOCK_BYTES, -(-end // BLOCK_BYTES)) for begin, end in ranges)
    begin, end = blocks[0]
    for first, last in blocks[1:]:
        if first > end:
            yield begin * BLOCK_BYTES, end * BLOCK_BYTES
            begin, end = first, last
        end = max(end, last)
    yield begin * BLOCK_BYTES, end * BLOCK_BYTES
