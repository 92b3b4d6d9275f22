"""FAT32, the boot partition: made and filled without mounting it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.partition_layout import SECTOR_BYTES
from pvs_image.programs import run

# Clusters of 4 KiB: a partition of 512 MiB has 131072 of them, and FAT32 needs at least 65525.
_CLUSTER_SECTORS = 8
_FREE = 0
_CLUSTER_MASK = 0x0FFFFFFF
# 1980-01-01, the earliest date that FAT can store.
_FIRST_SECOND = 315532800


def make_fat(
    image: Path,
    folder: Path,
    *,
    start_bytes: int,
    size_bytes: int,
    label: str,
    serial: int,
    source_date_epoch: int,
) -> None:
    """Make a FAT file system inside an image from a folder's content, reproducibly.

    Args:
        image: the image.
        folder: the content: regular files and folders.
        start_bytes: the partition's offset.
        size_bytes: the partition's length.
        label: at most 11 characters.
        serial: 32 bits.
        source_date_epoch: the time of new folders, in seconds since 1970.

    Raises:
        ImageError: the folder does not fit, or has files that FAT cannot store.
    """
    run(
        "mkfs.vfat", "--invariant", "-F", "32", "-s", str(_CLUSTER_SECTORS), "-n", label,
        "-i", f"{serial:08x}", "-h", str(start_bytes // SECTOR_BYTES),
        f"--offset={start_bytes // SECTOR_BYTES}", image, str(size_bytes // 1024),
    )  # fmt: skip
    for where, folders, files in _walk(folder):
        target = f"::{where.relative_to(folder)}/".replace("::./", "::/")
        if folders:
            paths = [target + each for each in folders]
            _mtools("mmd", image, start_bytes, source_date_epoch, *paths)
        if files:
            paths = [str(where / each) for each in files]
            _mtools("mcopy", image, start_bytes, source_date_epoch, "-m", *paths, target)


def put_file(image: Path, start_bytes: int, name: str, content: str | bytes) -> None:
    """Write a file into the root of a FAT file system, replacing an existing one.

    The content goes through a pipe, so a secret in it is not written anywhere else.

    Args:
        image: the image.
        start_bytes: the file system's offset.
        name: the file's name.
        content: the file's content.

    Raises:
        ImageError: it is not a FAT file system, or it is full.
    """
    run("mcopy", "-o", "-i", f"{image}@@{start_bytes}", "-", f"::/{name}", stdin=content)


def read_tree(image: Path, start_bytes: int, folder: Path) -> None:
    """Copy all files out of a FAT file system, with their times.

    Args:
        image: the image.
        start_bytes: the file system's offset.
        folder: the existing target folder.

    Raises:
        ImageError: it is not a FAT file system.
    """
    run("mcopy", "-s", "-m", "-n", "-i", f"{image}@@{start_bytes}", "::/*", f"{folder}/")


def used_ranges(image: Path, start_bytes: int) -> Iterator[tuple[int, int]]:
    """Find the ranges of a FAT32 file system that are in use: its tables and used clusters.

    Args:
        image: the image.
        start_bytes: the file system's offset.

    Yields:
        begin and end, as byte offsets in the image.

    Raises:
        ValueError: it is not FAT32.
    """
    with image.open("rb") as file:
        file.seek(start_bytes)
        head = file.read(SECTOR_BYTES)
        sector_bytes, cluster_sectors, reserved, fats = struct.unpack_from("<HBHB", head, 11)
        (fat_sectors,) = struct.unpack_from("<I", head, 36)
        if head[82:90] != b"FAT32   " or not sector_bytes or not cluster_sectors:
            raise ValueError("not FAT32")
        data_start = start_bytes + (reserved + fats * fat_sectors) * sector_bytes
        yield start_bytes, data_start
        file.seek(start_bytes + reserved * sector_bytes)
        table = struct.unpack(
            f"<{fat_sectors * sector_bytes // 4}I", file.read(fat_sectors * sector_bytes)
        )
        (total_sectors,) = struct.unpack_from("<I", head, 32)
    cluster_bytes = cluster_sectors * sector_bytes
    clusters = (start_bytes + total_sectors * sector_bytes - data_start) // cluster_bytes
    for number, entry in enumerate(table[2 : clusters + 2]):
        if entry & _CLUSTER_MASK != _FREE:
            begin = data_start + number * cluster_bytes
            yield begin, begin + cluster_bytes


def _walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder with its sorted subfolders and files; refuse other kinds of files."""
    for where, folders, files in os.walk(folder):
        folders.sort()
        for name in [*folders, *sorted(files)]:
            path = Path(where) / name
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise ImageError(
                    f"/boot/firmware/{path.relative_to(folder)} must be a regular file or a "
                    "folder, because FAT stores nothing else",
                    "remove it, or replace the link by a copy of its target",
                )
        yield Path(where), folders, sorted(files)


def _mtools(program: str, image: Path, start_bytes: int, epoch: int, *arguments: str) -> None:
    environment = {"SOURCE_DATE_EPOCH": str(max(epoch, _FIRST_SECOND))}
    run(program, "-i", f"{image}@@{start_bytes}", *arguments, environment=environment)
