"""FAT32, the partition that the Pi's boot loader reads: made and filled without mounting it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.layout import SECTOR_BYTES
from pvs_image.programs import run

# A cluster of 4 KiB; 512 MiB have 131072 of them, and FAT32 begins with 65525.
_CLUSTER_SECTORS = 8
_FREE = 0
_CLUSTER_MASK = 0x0FFFFFFF
# Before anybody had a card: FAT counts years from 1980.
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
    """Make a FAT file system within a card, with a folder's content: the same each time.

    Args:
        image: the card.
        folder: what goes into it: plain files and folders.
        start_bytes: where it begins.
        size_bytes: how long it is.
        label: at most 11 characters.
        serial: 32 bits.
        source_date_epoch: the time of whatever is made here.

    Raises:
        ImageError: the folder holds what FAT cannot, or too much.
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


def put_file(image: Path, start_bytes: int, name: str, text: str) -> None:
    """Put a file into the root of a FAT file system, in the place of one that is there.

    Its text goes from this process to the card: a secret in it leaves no copy elsewhere.

    Args:
        image: the card.
        start_bytes: where the file system begins.
        name: of the file.
        text: what goes into it.

    Raises:
        ImageError: the card holds no FAT file system, or it is full.
    """
    run("mcopy", "-o", "-i", f"{image}@@{start_bytes}", "-", f"::/{name}", stdin=text)


def read_tree(image: Path, start_bytes: int, folder: Path) -> None:
    """Copy everything out of a FAT file system, with its times.

    Args:
        image: the card.
        start_bytes: where the file system begins.
        folder: exists already.

    Raises:
        ImageError: there is no FAT file system.
    """
    run("mcopy", "-s", "-m", "-n", "-i", f"{image}@@{start_bytes}", "::/*", f"{folder}/")


def used_ranges(image: Path, start_bytes: int) -> Iterator[tuple[int, int]]:
    """Find what of a FAT32 file system means something: its tables, and clusters in use.

    Args:
        image: the card.
        start_bytes: where the file system begins.

    Yields:
        begin and end, in bytes of the card.

    Raises:
        ValueError: there is no FAT32.
    """
    with image.open("rb") as file:
        file.seek(start_bytes)
        head = file.read(SECTOR_BYTES)
        sector_bytes, cluster_sectors, reserved, fats = struct.unpack_from("<HBHB", head, 11)
        (fat_sectors,) = struct.unpack_from("<I", head, 36)
        if head[82:90] != b"FAT32   " or not sector_bytes or not cluster_sectors:
            raise ValueError("no FAT32")
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
    """Name folders and files in the same order each time; refuse what FAT cannot hold."""
    for where, folders, files in os.walk(folder):
        folders.sort()
        for name in [*folders, *sorted(files)]:
            path = Path(where) / name
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise ImageError(
                    f"/boot/firmware/{path.relative_to(folder)} is no plain file, and FAT holds "
                    "nothing else",
                    "remove it, or copy what it leads to",
                )
        yield Path(where), folders, sorted(files)


def _mtools(program: str, image: Path, start_bytes: int, epoch: int, *arguments: str) -> None:
    environment = {"SOURCE_DATE_EPOCH": str(max(epoch, _FIRST_SECOND))}
    run(program, "-i", f"{image}@@{start_bytes}", *arguments, environment=environment)
