"""ext4, the root file system: made reproducibly from a folder, without mounting it."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.partition_layout import MIB, aligned
from pvs_image.programs import run

_BLOCK_BYTES = 4096
_INODE_BYTES = 256
# mke2fs' default ratio; resize2fs keeps it when the first boot grows the file system.
_BYTES_PER_INODE = 16384
# All features explicitly, instead of the defaults in the build machine's mke2fs.conf. Linux 5.10
# and newer support them.
_FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,"
    "large_file,huge_file,dir_nlink,extra_isize,metadata_csum"
)
_JOURNAL_MIB = 16
# Free space for the first boot, which writes before it grows the file system to the card's size.
_FREE_BYTES = 128 * MIB
_FREE_BLOCKS = re.compile(r"^Free blocks found:([\d ]*)$", re.MULTILINE)
_INODE_COUNT = re.compile(r"^Inode count:\s*(\d+)$", re.MULTILINE)
_INODE = re.compile(r"^Inode: (\d+) ", re.MULTILINE)
_USED_INODE = re.compile(r"^Inode (\d+) is marked in use$", re.MULTILINE)
# The root folder. The other inodes below 11 are reserved; mke2fs gives them E2FSPROGS_FAKE_TIME.
_ROOT_INODE = 2
_FIRST_INODE = 11


def size_for(folder: Path) -> int:
    """Return the size of a file system for a folder, in bytes: a multiple of 4 MiB.

    Args:
        folder: the content; hard links are counted once.
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
    # Leave a quarter of the inodes free.
    for_inodes_bytes = len(seen) * _BYTES_PER_INODE * 4 // 3
    total_bytes = max(content_bytes + _FREE_BYTES, for_inodes_bytes)
    inodes_bytes = total_bytes // _BYTES_PER_INODE * _INODE_BYTES
    # Add bitmaps, group descriptors, and descriptors reserved for growing.
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
    """Make an ext4 file system inside an image from a folder's content.

    Owners, modes, hard links and extended attributes (hence capabilities) are preserved.

    Args:
        image: the image at its final length; the partition's range must be a hole.
        folder: the content.
        start_bytes: the partition's offset.
        size_bytes: the partition's length.
        label: at most 16 characters.
        identity: its UUID, which also seeds the directory hash.
        source_date_epoch: the time of new inodes, in seconds since 1970.

    Raises:
        ImageError: the folder does not fit.
    """
    environment = {
        "E2FSPROGS_FAKE_TIME": str(source_date_epoch),
        "SOURCE_DATE_EPOCH": str(source_date_epoch),
        "MKE2FS_CONFIG": os.devnull,
    }
    extended = (
        f"offset={start_bytes},hash_seed={uuid.uuid5(identity, 'hash seed')},root_owner=0:0,"
        # The range is a hole, which reads as zeros, so zeroing it is unnecessary.
        "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
    )
    run(
        "mke2fs", "-q", "-F", "-t", "ext4", "-O", _FEATURES, "-b", str(_BLOCK_BYTES),
        "-I", str(_INODE_BYTES), "-i", str(_BYTES_PER_INODE), "-J", f"size={_JOURNAL_MIB}",
        "-m", "1", "-e", "remount-ro", "-L", label, "-U", str(identity), "-E", extended,
        "-d", folder, image, f"{size_bytes // 1024}k",
        environment=environment,
    )  # fmt: skip
    # mke2fs copies atime and ctime from the folder, where they are the time of unpacking.
    commands = [
        f"set_inode_field <{inode}> {field} @{source_date_epoch}"
        for inode in _used_inodes(image, start_bytes)
        for field in ("atime", "ctime", "crtime")
    ]
    _debugfs(image, start_bytes, "\n".join(commands), "-w", environment=environment)


def used_ranges(image: Path, start_bytes: int, size_bytes: int) -> Iterator[tuple[int, int]]:
    """Find the blocks of an ext4 file system that are in use.

    Used blocks of zeros are included, because otherwise files would contain the card's old data.

    Args:
        image: the image.
        start_bytes: the file system's offset.
        size_bytes: its length.

    Yields:
        begin and end, as byte offsets in the image.

    Raises:
        ImageError: it is not ext4.
    """
    # Ask for as many free blocks as the partition has blocks; debugfs lists each one once.
    output = _debugfs(image, start_bytes, f"find_free_block {size_bytes // _BLOCK_BYTES} 0")
    (free,) = _FREE_BLOCKS.findall(output)
    begin = 0
    for block in (*map(int, free.split()), size_bytes // _BLOCK_BYTES):
        if block > begin:
            yield start_bytes + begin * _BLOCK_BYTES, start_bytes + block * _BLOCK_BYTES
        begin = block + 1


def inodes(image: Path, start_bytes: int, paths: Sequence[str]) -> list[int]:
    """Return the inode numbers of files.

    Args:
        image: the image.
        start_bytes: the file system's offset.
        paths: relative to its root.

    Raises:
        ImageError: a file is missing.
    """
    quoted = (path.replace('"', '""') for path in paths)
    output = _debugfs(image, start_bytes, "\n".join(f'stat "/{path}"' for path in quoted))
    numbers = [int(number) for number in _INODE.findall(output)]
    if len(numbers) != len(paths):
        raise ImageError(
            f"{image}: debugfs found {len(numbers)} of {len(paths)} files",
            "download the image again, or check it with e2fsck",
        )
    return numbers


def _used_inodes(image: Path, start_bytes: int) -> Iterator[int]:
    yield _ROOT_INODE
    (count,) = _INODE_COUNT.findall(_debugfs(image, start_bytes, ""))
    numbers = range(_FIRST_INODE, int(count) + 1)
    output = _debugfs(image, start_bytes, "\n".join(f"testi <{number}>" for number in numbers))
    yield from map(int, _USED_INODE.findall(output))


def _debugfs(
    image: Path,
    start_bytes: int,
    commands: str,
    *options: str,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run debugfs commands, one per line, and return the superblock and their output.

    dumpe2fs would print more in one call, but Debian 13's version accepts no offset.

    Raises:
        ImageError: it is not ext4. A failing command does not change debugfs' exit status.
    """
    output = run(
        "debugfs", *options, "-f", "-", f"{image}?offset={start_bytes}",
        stdin=f"show_super_stats -h\n{commands}\n", environment=environment,
    )  # fmt: skip
    if not _INODE_COUNT.search(output):
        raise ImageError(
            f"{image} has no readable ext4 file system at byte {start_bytes}",
            "download or build it again",
        )
    return output
