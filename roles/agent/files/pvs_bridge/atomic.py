"""Replace files atomically: after a power cut a file is the old one or the new one.

The agent replaces every file on the card with these functions.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

NEW = ".pvs-bridge-new"
"""The suffix of a file that is not complete yet."""


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Open a new version of a file for writing; at the end it replaces the file.

    Args:
        path: A file in a folder that exists.
        mode: Its permissions, if the file system has permissions.

    Raises:
        OSError: The disk is full or read-only. The old file is unchanged.
    """
    new = path.with_name(path.name + NEW)
    try:
        # Create it with its mode, so that a secret is never readable by other users.
        with open(new, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            # The umask may have removed bits. FAT has no modes and refuses this.
            with contextlib.suppress(PermissionError):
                os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def replace(new: Path, path: Path) -> None:
    """Give a file that is on the disk the name of another one, which it replaces.

    Linux' vfat writes where the data of the name are only with the file, up to 30 s later. Until
    then the name on the disk refers to the removed data, and a power cut leaves an empty file. So
    the file is written once more, before the folder.

    Raises:
        OSError: The disk is read-only.
    """
    with new.open("rb") as file:
        new.replace(path)
        os.fsync(file.fileno())
    sync_folder(path.parent)


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file; see :func:`replacing`.

    Raises:
        OSError: The disk is full or read-only. The old file is unchanged.
    """
    with replacing(path, mode) as file:
        file.write(data)


def remove(path: Path) -> None:
    """Remove a file durably, if it exists.

    Raises:
        OSError: The disk is read-only.
    """
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk; do nothing if the folder does not exist."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
