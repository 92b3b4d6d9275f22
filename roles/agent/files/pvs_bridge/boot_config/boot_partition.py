"""The boot partition: a FAT file system that users edit on any computer."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.errors import IssueError, Location

FOLDER = Path("/boot/firmware")
LARGEST_BYTES = 256 * 1024

# Windows hides file name extensions, and its editor appends .txt to the name that was typed.
_ENDINGS = ("", ".txt")

# Byte order marks, by which an editor declares the encoding.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class UnreadableError(IssueError):
    """A file that cannot be read as text."""


@dataclass(frozen=True)
class Found:
    """A file on the partition.

    Attributes:
        name: The name as it is spelled there.
        text: The text without a byte order mark, with its own line ends.
    """

    name: str
    text: str


class BootPartition:
    """The mounted boot partition."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Set the mount point."""
        self.folder = folder

    def find(self, name: str) -> Path | None:
        """Find a file, whatever the case of its name, with or without ``.txt`` at its end.

        Returns:
            its path; the best match if there are several; None if there is none.
        """
        wanted = [f"{name}{ending}" for ending in _ENDINGS]
        try:
            files = [path for path in self.folder.iterdir() if path.name.lower() in wanted]
        except OSError:
            return None
        files.sort(key=lambda path: (wanted.index(path.name.lower()), path.name != name, path.name))
        return next((path for path in files if path.is_file()), None)

    def read(self, name: str) -> Found | None:
        """Read a file; see :meth:`find`.

        Returns:
            None if it does not exist.

        Raises:
            UnreadableError: It cannot be read, is too large, or is not text.
        """
        path = self.find(name)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST_BYTES + 1)
        except OSError as error:
            raise UnreadableError(
                f"cannot be read ({error.strerror})", location=Location(path.name)
            ) from error
        if len(data) > LARGEST_BYTES:
            raise UnreadableError(
                f"must be at most {LARGEST_BYTES // 1024} KiB", location=Location(path.name)
            )
        return Found(path.name, _decoded(path.name, data))

    def write(self, name: str, text: str) -> None:
        """Replace a file; a power cut leaves the old one or the new one.

        Raises:
            OSError: The partition is full or read-only.
        """
        atomic.write(self.folder / name, text.encode(), mode=0o644)

    def remove(self, name: str) -> None:
        """Remove a file.

        Raises:
            OSError: The partition is read-only.
        """
        atomic.remove(self.folder / name)

    def recover(self) -> None:
        """Complete or undo the write that a power cut has interrupted.

        FAT cannot rename in one step: for some milliseconds the old and the new name have the same
        data. fsck then empties the name that is later in the folder.

        Raises:
            OSError: The partition is read-only.
        """
        for new in self.folder.glob(f"*{atomic.NEW}"):
            path = new.with_name(new.name.removesuffix(atomic.NEW))
            if path.is_file() and not path.stat().st_size and new.stat().st_size:
                atomic.replace(new, path)
            else:
                atomic.remove(new)


def _decoded(name: str, data: bytes) -> str:
    encoding = next((each for mark, each in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        if encoding != "utf-8":
            raise UnreadableError(f"is not {encoding} text", location=Location(name)) from error
        raise UnreadableError(
            "has a character that is not UTF-8",
            "save the file with the encoding UTF-8",
            Location(name, line),
        ) from error
