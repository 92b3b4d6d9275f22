"""The FAT partition, as people leave it who edit it on any computer."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge import atomic

FOLDER = Path("/boot/firmware")
LARGEST_BYTES = 256 * 1024

# Windows hides the endings of names, and its editor adds one to the name that was typed.
_ENDINGS = ("", ".txt")

# A mark at the head says how an editor has encoded the file.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class UnreadableError(Exception):
    """A file whose text nobody can read; says why."""


@dataclass(frozen=True)
class Found:
    """A file on the partition.

    Attributes:
        name: as it is spelled there.
        text: without a byte order mark; its line ends are as they were.
    """

    name: str
    text: str


class BootPartition:
    """The folder that the partition is mounted at."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Name the folder."""
        self.folder = folder

    def find(self, name: str) -> Path | None:
        """Find a file whatever the case of its name, and with ``.txt`` behind it too.

        Returns:
            its path; the one that is spelled best where there are several; None where none is.
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
            None where it is not there.

        Raises:
            UnreadableError: it is no text.
        """
        path = self.find(name)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST_BYTES + 1)
        except OSError as error:
            raise UnreadableError(f"{path.name}: cannot be read ({error.strerror})") from error
        if len(data) > LARGEST_BYTES:
            raise UnreadableError(f"{path.name}: is larger than {LARGEST_BYTES // 1024} KiB")
        return Found(path.name, _decoded(path.name, data))

    def write(self, name: str, text: str) -> None:
        """Replace a file; a power cut leaves the old one or the new one.

        Raises:
            OSError: the partition is full or must not be written to.
        """
        atomic.write(self.folder / name, text.encode(), mode=0o644)

    def remove(self, name: str) -> None:
        """Remove a file.

        Raises:
            OSError: the partition must not be written to.
        """
        atomic.remove(self.folder / name)

    def clear(self) -> None:
        """Remove what a power cut has left of files that were not complete.

        Raises:
            OSError: the partition must not be written to.
        """
        for path in self.folder.glob(f"*{atomic.NEW}"):
            atomic.remove(path)


def _decoded(name: str, data: bytes) -> str:
    encoding = next((each for mark, each in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        if encoding != "utf-8":
            raise UnreadableError(f"{name}: is no text") from error
        raise UnreadableError(
            f"{name} line {line}: has a letter that is not in UTF-8. Hint: save the file with the "
            "encoding UTF-8"
        ) from error
