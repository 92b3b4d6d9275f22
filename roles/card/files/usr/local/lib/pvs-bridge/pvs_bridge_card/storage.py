"""Files that a power cut leaves whole: the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

NEW = ".pvs-bridge-new"
"""What the name of a file ends with that is not complete yet."""

FOLDER = Path("/etc/pvs-bridge/card")
"""What the Pi keeps of the card's description, secrets included; only root can read it."""


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file; whoever reads it, after a power cut too, finds the old one or the new one.

    Args:
        path: in a folder that is there.
        data: what it is to hold.
        mode: who may read it, where the file system knows such things.

    Raises:
        OSError: the disk is full or must not be written to; the old file is as it was.
    """
    new = path.with_name(path.name + NEW)
    try:
        with open(new, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        _forget(new)
        raise
    _sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file for good; one that is not there is fine.

    Raises:
        OSError: the disk must not be written to.
    """
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _forget(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Store:
    """The folder of what was stored, one JSON file a name."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Name the folder; it is made when something is written."""
        self.folder = folder

    def begin_to_change(self) -> None:
        """Say, before it is done, that something beside the store is going to be changed too."""

    def read(self, name: str) -> Any:  # noqa: ANN401 - JSON holds anything
        """Return what was stored; None where nothing was, or where it is damaged."""
        try:
            return json.loads((self.folder / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, name: str, value: object) -> None:
        """Store a value.

        Raises:
            OSError: the disk is full or must not be written to.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{name}.json"
        text = json.dumps(value, indent=1, ensure_ascii=False)
        # A card wears out by writing what is there already.
        if self.read(name) != json.loads(text):
            write(path, text.encode())

    def remove(self, name: str) -> None:
        """Forget a value.

        Raises:
            OSError: the disk must not be written to.
        """
        if (self.folder / f"{name}.json").exists():
            remove(self.folder / f"{name}.json")


class WouldChangeError(Exception):
    """Something would have been stored."""


class LookedAt(Store):
    """A store that only tells that something would be stored.

    What applying the card leaves word of for the report is none of it.
    """

    _WORD = "outcome"

    def begin_to_change(self) -> None:
        """Tell of it.

        Raises:
            WouldChangeError: always.
        """
        raise WouldChangeError

    def write(self, name: str, value: object) -> None:
        """Compare a value with the one that is stored.

        Raises:
            WouldChangeError: it is another one.
        """
        if name != self._WORD and self.read(name) != json.loads(json.dumps(value)):
            raise WouldChangeError

    def remove(self, name: str) -> None:
        """Look whether there is a value.

        Raises:
            WouldChangeError: there is one.
        """
        if self.read(name) is not None:
            raise WouldChangeError
