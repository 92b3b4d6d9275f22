"""Files with more than one name, read off an ext4 file system that fuse2fs has mounted.

fuse2fs says how many names a file has. Debian 13's gives each name an inode number of its own, so
that tar takes them for as many files: which are the same is asked of the file system itself.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

from pvs_image.ext4 import inodes

# What to have `find` print of each name: permissions, owners, time, and the path from the root on.
FIND = ("-xdev", "-type", "f", "-links", "+1", "-printf", r"%m %U %G %T@ %P\n")


def further_names(image: Path, start_bytes: int, found: str) -> list[tarfile.TarInfo]:
    """Describe each name of a file but its first one, as a tar does.

    Args:
        image: the card.
        start_bytes: where the file system begins.
        found: what ``find`` has printed.

    Raises:
        ImageError: the file system has no such names.
    """
    rows = sorted((line.split(" ", 4) for line in found.splitlines()), key=lambda row: row[4])
    numbers = inodes(image, start_bytes, [row[4] for row in rows])
    first: dict[int, str] = {}
    further = []
    for (mode, user, group, seconds, path), number in zip(rows, numbers, strict=False):
        if number not in first:
            first[number] = path
            continue
        member = tarfile.TarInfo(f"./{path}")
        member.type, member.linkname = tarfile.LNKTYPE, f"./{first[number]}"
        member.mode, member.uid, member.gid = int(mode, 8), int(user), int(group)
        member.mtime = int(float(seconds))
        further.append(member)
    return further


def append(archive: Path, members: list[tarfile.TarInfo]) -> None:
    """Put them behind what an archive has."""
    with tarfile.open(archive, "a", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            tar.addfile(member)
