"""Hard links of an ext4 file system that is mounted with fuse2fs.

fuse2fs reports the link count, but Debian 13's version gives each name its own inode number, so tar
would store separate files. debugfs tells which names share an inode.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

from pvs_image.ext4 import inodes

# Arguments of find: print mode, owner, group, time and path of each file with several names.
FIND = ("-xdev", "-type", "f", "-links", "+1", "-printf", r"%m %U %G %T@ %P\n")


def further_names(image: Path, start_bytes: int, found: str) -> list[tarfile.TarInfo]:
    """Return a tar hard link entry for each name of a file except its first one.

    Args:
        image: the image.
        start_bytes: the file system's offset.
        found: the output of ``find``.

    Raises:
        ImageError: the file system lacks one of the names.
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
    """Append entries to a tar."""
    with tarfile.open(archive, "a", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            tar.addfile(member)
