"""Which bytes of a card mean something: the others need not be written.

They come from the file systems' own books, not from the holes of the file: these depend on how it
was copied, and a block of zeros within a file has to reach the card too.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from pvs_image import ext4, fat
from pvs_image.errors import ImageError
from pvs_image.layout import SECTOR_BYTES
from pvs_image.mbr import FAT32, LINUX, Partition, read_table

BLOCK_BYTES = 4096
Range = tuple[int, int]


def partitions_of(image: Path) -> tuple[int, Partition, Partition]:
    """Return the disk's id, the boot partition and the root partition of a card for a Pi.

    Raises:
        ImageError: it is none.
    """
    with image.open("rb") as file:
        try:
            disk_id, partitions = read_table(file.read(SECTOR_BYTES))
        except ValueError:
            raise ImageError(
                f"{image} is no image of a card: it has no partition table",
                "give the .img or .img.xz of a card",
            ) from None
    kinds = [each.kind for each in partitions]
    if kinds != [FAT32, LINUX]:
        said = ", ".join(f"{kind:#04x}" for kind in kinds) or "none"
        raise ImageError(
            f"{image} has another layout than a Raspberry Pi's card: partitions of type {said}, "
            "not 0x0c and 0x83",
            "give the image of Raspberry Pi OS, or of this project",
        )
    boot, root = partitions
    if root.start_bytes + root.size_bytes > image.stat().st_size:
        raise ImageError(
            f"{image} is shorter than its partition table says: it is cut off",
            "download or build it again",
        )
    return disk_id, boot, root


def mapped_ranges(image: Path) -> list[Range]:
    """Return what of a card means something, in whole blocks of 4 KiB, as few ranges as can be.

    Args:
        image: the card.

    Raises:
        ImageError: it is no card, or one of its file systems cannot be read.
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
            f"{image} has no FAT32 in its first partition", "download or build it again"
        ) from None
    return list(_joined(ranges))


def pieces(ranges: list[Range], size_bytes: int) -> Iterator[Range]:
    """Cut ranges into pieces of a size that fits into memory."""
    for begin, end in ranges:
        for at in range(begin, end, size_bytes):
            yield at, min(at + size_bytes, end)


def copy_ranges(source: Path, target: Path, ranges: list[Range]) -> None:
    """Copy ranges into a new file of the same length, which is a hole elsewhere.

    Args:
        source: the card.
        target: is made, for its owner alone.
        ranges: what to copy.
    """
    with source.open("rb") as file, target.open("xb") as copy:
        os.fchmod(copy.fileno(), 0o600)
        copy.truncate(source.stat().st_size)
        for begin, end in ranges:
            _copy(file.fileno(), copy.fileno(), begin, end)


def _copy(source: int, target: int, at: int, end: int) -> None:
    """Copy within the kernel, and share the blocks instead where the file system can."""
    try:
        while at < end:
            at += os.copy_file_range(source, target, end - at, offset_src=at, offset_dst=at)
    except OSError as error:
        # Between two kinds of file systems, or where one of them is old.
        if error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        os.lseek(target, at, os.SEEK_SET)
        while at < end:
            at += os.sendfile(target, source, at, end - at)


def _joined(ranges: list[Range]) -> Iterator[Range]:
    """Join ranges that touch once each is made whole blocks."""
    blocks = sorted((begin // BLOCK_BYTES, -(-end // BLOCK_BYTES)) for begin, end in ranges)
    begin, end = blocks[0]
    for first, last in blocks[1:]:
        if first > end:
            yield begin * BLOCK_BYTES, end * BLOCK_BYTES
            begin, end = first, last
        end = max(end, last)
    yield begin * BLOCK_BYTES, end * BLOCK_BYTES
