"""Take over the keys and the history of a backup, which make personalise puts onto a new card."""

from __future__ import annotations

import os
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.backup import archive, contents
from pvs_bridge.errors import IssueError, Location

FILE = "pvs-bridge-backup.tar.gz"
"""On the boot partition, until the Pi has taken it over."""


def take_over(boot: Path, root: Path = Path("/")) -> None:
    """Write the files of the archive on the boot partition, if there is one, and destroy it.

    After a power cut, the next start repeats it.

    Args:
        boot: The mounted boot partition.
        root: The root folder.

    Raises:
        IssueError: The archive is damaged; nothing was changed.
        OSError: A disk is full or read-only.
    """
    file = boot / FILE
    if not file.exists():
        return
    try:
        with file.open("rb") as stream:
            backup = archive.read(stream)
    except IssueError as error:
        raise IssueError(
            error.issue.problem, "write the card again, or remove this file", Location(FILE)
        ) from error
    contents.place(contents.differing(contents.state(backup.files), root), root)
    # The keys must be on the card's root before they are destroyed here.
    os.sync()
    with file.open("r+b") as stream:
        stream.write(bytes(file.stat().st_size))
        stream.flush()
        os.fsync(stream.fileno())
    atomic.remove(file)
