"""Files that a power cut leaves whole: the old one or the new one, never half of one.

Every file that the agent replaces on the card is written here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

NEW = ".pvs-bridge-new"
"""The end of the name of a file that is not complete yet."""


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Open the successor of a file for writing; it takes the file's place at the end.

    Args:
        path: in a folder that exists.
        mode: its permissions, where the file system has any.

    Raises:
        OSError: The disk is full or read-only. The old file is as it was.
    """
    new = path.with_name(path.name + NEW)
    try:
        # The mode from the start: a secret must not be readable for a moment.
        with open(new, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            # The umask may have taken bits away. FAT has no modes, and refuses this.
            with contextlib.suppress(PermissionError):
                os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    sync_folder(path.parent)


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file; see :func:`replacing`.

    Raises:
        OSError: The disk is full or read-only. The old file is as it was.
    """
    with replacing(path, mode) as file:
        file.write(data)


def remove(path: Path) -> None:
    """Remove a file for good, if it exists.

    Raises:
        OSError: The disk is read-only.
    """
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk; do nothing where there is no folder."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
