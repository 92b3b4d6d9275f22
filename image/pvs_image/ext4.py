"""ext4, the root file system: made from a folder, without mounting it, the same each time."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.layout import MIB, aligned
from pvs_image.programs import run

_BLOCK_BYTES = 4096
_INODE_BYTES = 256
# The usual number for a card: as it is grown, each new block group has as many inodes.
_BYTES_PER_INODE = 16384
# What mke2fs would take from the machine that builds, spelt out: Linux 5.10 and later know it all.
_FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,"
    "large_file,huge_file,dir_nlink,extra_isize,metadata_csum"
)
_JOURNAL_MIB = 16
# For the first boot, which writes before it grows the file system to the card's size.
_FREE_BYTES = 128 * MIB
_FREE_BLOCKS = re.compile(r"^Free blocks found:([\d ]*)$", re.MULTILINE)
_INODE_COUNT = re.compile(r"^Inode count:\s*(\d+)$", re.MULTILINE)
_INODE = re.compile(r"^Inode: (\d+) ", re.MULTILINE)
_USED_INODE = re.compile(r"^Inode (\d+) is marked in use$", re.MULTILINE)
# The root folder; the others below 11 are ext4's own, and mke2fs gives them its time.
_ROOT_INODE = 2
_FIRST_INODE = 11


def size_for(folder: Path) -> int:
    """Say how large the file system of a folder has to be, in bytes: a whole number of 4 MiB.

    Args:
        folder: its content, hard links counted once.
    """
    blocks, seen = 0, set()
    for where, folders, files in os.walk(folder):
        blocks += 1
        for name in [*folders, *files]:
            status = os.lstat(os.path.join(where, name))  # noqa: PTH118 - a hundred thousand times
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                blocks += -(-status.st_size // _BLOCK_BYTES)
    content_bytes = blocks * _BLOCK_BYTES + _JOURNAL_MIB * MIB
    # A quarter of the inodes stays free, and they take their place out of the same blocks.
    for_inodes_bytes = len(seen) * _BYTES_PER_INODE * 4 // 3
    total_bytes = max(content_bytes + _FREE_BYTES, for_inodes_bytes)
    inodes_bytes = total_bytes // _BYTES_PER_INODE * _INODE_BYTES
    # Bitmaps, group descriptors and room for more of them, as the file system grows.
    return aligned(total_bytes + inodes_bytes + total_bytes // 100 + 4 * MIB)


def make_ext4(
    image: Path,
    folder: Path,
    *,
    start_bytes: int,
    size_bytes: int,
    label: str,
    identity: uuid.UUID,
    source_date_epoch: int,
) -> None:
    """Make an ext4 file system within a card, with a folder's content.

    Owners, modes, hard links, extended attributes and with them capabilities come along.

    Args:
        image: the card, as long as it is to be, nothing written there yet.
        folder: what goes into it.
        start_bytes: where it begins.
        size_bytes: how long it is.
        label: at most 16 characters.
        identity: its UUID, and the seed of what ext4 would take by chance.
        source_date_epoch: the time of whatever is made here, in seconds.

    Raises:
        ImageError: the folder does not fit in.
    """
    environment = {
        "E2FSPROGS_FAKE_TIME": str(source_date_epoch),
        "SOURCE_DATE_EPOCH": str(source_date_epoch),
        "MKE2FS_CONFIG": os.devnull,
    }
    extended = (
        f"offset={start_bytes},hash_seed={uuid.uuid5(identity, 'hash seed')},root_owner=0:0,"
        # The image is one hole so far, and holes read as zeros.
        "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
    )
    run(
        "mke2fs", "-q", "-F", "-t", "ext4", "-O", _FEATURES, "-b", str(_BLOCK_BYTES),
        "-I", str(_INODE_BYTES), "-i", str(_BYTES_PER_INODE), "-J", f"size={_JOURNAL_MIB}",
        "-m", "1", "-e", "remount-ro", "-L", label, "-U", str(identity), "-E", extended,
        "-d", folder, image, f"{size_bytes // 1024}k",
        environment=environment,
    )  # fmt: skip
    # mke2fs takes these two from the folder, whose files were unpacked a moment ago.
    orders = [
        f"set_inode_field <{inode}> {field} @{source_date_epoch}"
        for inode in _used_inodes(image, start_bytes)
        for field in ("atime", "ctime", "crtime")
    ]
    _debugfs(image, start_bytes, "\n".join(orders), "-w", environment=environment)


def used_ranges(image: Path, start_bytes: int, size_bytes: int) -> Iterator[tuple[int, int]]:
    """Find what of an ext4 file system means something: each block that is in use.

    Blocks in use that hold zeros are among them: written to an old card without them, the files
    would read what was there before.

    Args:
        image: the card.
        start_bytes: where the file system begins.
        size_bytes: how long it is.

    Yields:
        begin and end, in bytes of the card.

    Raises:
        ImageError: there is no ext4.
    """
    # As many as there can be: it stops where it meets the first one again.
    said = _debugfs(image, start_bytes, f"find_free_block {size_bytes // _BLOCK_BYTES} 0")
    (free,) = _FREE_BLOCKS.findall(said)
    begin = 0
    for block in (*map(int, free.split()), size_bytes // _BLOCK_BYTES):
        if block > begin:
            yield start_bytes + begin * _BLOCK_BYTES, start_bytes + block * _BLOCK_BYTES
        begin = block + 1


def inodes(image: Path, start_bytes: int, paths: Sequence[str]) -> list[int]:
    """Return the inode numbers of files.

    Args:
        image: the card.
        start_bytes: where the file system begins.
        paths: from its root on.

    Raises:
        ImageError: one of them is not there.
    """
    quoted = (path.replace('"', '""') for path in paths)
    said = _debugfs(image, start_bytes, "\n".join(f'stat "/{path}"' for path in quoted))
    numbers = [int(number) for number in _INODE.findall(said)]
    if len(numbers) != len(paths):
        raise ImageError(
            f"{image}: debugfs knows {len(numbers)} of {len(paths)} files",
            "download the image again; check it by e2fsck",
        )
    return numbers


def _used_inodes(image: Path, start_bytes: int) -> Iterator[int]:
    yield _ROOT_INODE
    (count,) = _INODE_COUNT.findall(_debugfs(image, start_bytes, ""))
    numbers = range(_FIRST_INODE, int(count) + 1)
    said = _debugfs(image, start_bytes, "\n".join(f"testi <{number}>" for number in numbers))
    yield from map(int, _USED_INODE.findall(said))


def _debugfs(
    image: Path,
    start_bytes: int,
    orders: str,
    *options: str,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Give debugfs orders, a line each, and return what it prints, behind the superblock.

    Not dumpe2fs, which prints more at once: Debian 13's takes no offset.

    Raises:
        ImageError: there is no ext4. Of an order that fails debugfs says so to a person alone.
    """
    said = run(
        "debugfs", *options, "-f", "-", f"{image}?offset={start_bytes}",
        stdin=f"show_super_stats -h\n{orders}\n", environment=environment,
    )  # fmt: skip
    if not _INODE_COUNT.search(said):
        raise ImageError(
            f"{image} has no ext4 that can be read, from byte {start_bytes} on",
            "download or build it again",
        )
    return said
