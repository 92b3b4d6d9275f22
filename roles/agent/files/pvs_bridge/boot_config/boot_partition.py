"""The boot partition: a FAT file system that users edit on any computer."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.boot_config.text_file import Found, UnreadableError, decode
from pvs_bridge.errors import Location

FOLDER = Path("/boot/firmware")
LARGEST_BYTES = 256 * 1024

# Windows hides file name extensions, and its editor appends .txt to the name that was typed.
_ENDINGS = re.compile(r"(\.(txt|conf|cfg|ya?ml|pub))+$")
# A browser or a file manager numbers the second copy.
_COPY = re.compile(r"( ?- ?copy| copy)?( ?\(\d+\))?$")
_EXAMPLE = ".example"


class BootPartition:
    """The mounted boot partition."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Set the mount point."""
        self.folder = folder

    def names(self) -> list[str]:
        """Return the names of all files; an empty list if the partition cannot be read."""
        try:
            return sorted(path.name for path in self.folder.iterdir() if path.is_file())
        except OSError:
            return []

    def find(self, name: str) -> list[str]:
        """Find the files that a person means by a name, the best match first.

        The case of the name, its ending, hyphens and underscores do not matter. The example is
        meant if it was edited.
        """
        wanted = _stem(name)
        found = [
            each
            for each in self.names()
            if _stem(each) == wanted or (_stem(each) == wanted + _EXAMPLE and self._is_edited(each))
        ]
        spelled = (name, f"{name}.txt")
        return sorted(
            found,
            key=lambda each: (
                each not in spelled,
                each.lower() not in spelled,
                _EXAMPLE in each.lower(),
                each,
            ),
        )

    def read(self, name: str) -> Found | None:
        """Read a file; see :meth:`find`.

        Returns:
            None if it does not exist.

        Raises:
            UnreadableError: It cannot be read, is too large, or is not text.
        """
        names = self.find(name)
        if not names:
            return None
        best, *others = names
        notes = [
            f"{each}: is not read, because {best} exists. Hint: remove one of them"
            for each in others
        ]
        if best.lower() not in (name, f"{name}.txt"):
            notes.insert(0, f"{best}: was read as {name}. Hint: rename it to {name}")
        return self.read_exact(best, notes)

    def read_exact(self, name: str, notes: Iterable[str] = ()) -> Found:
        """Read the file of a name.

        Args:
            name: One of :meth:`names`.
            notes: What was unusual about the name.

        Raises:
            UnreadableError: It cannot be read, is too large, or is not text.
        """
        try:
            with (self.folder / name).open("rb") as file:
                data = file.read(LARGEST_BYTES + 1)
        except OSError as error:
            raise UnreadableError(
                f"cannot be read ({error.strerror})",
                "check the card, and write the file again",
                Location(name),
            ) from error
        if len(data) > LARGEST_BYTES:
            raise UnreadableError(
                f"must be at most {LARGEST_BYTES // 1024} KiB",
                "remove what the bridge does not need",
                Location(name),
            )
        return dataclasses.replace(decode(name, data), notes=tuple(notes))

    def _is_edited(self, name: str) -> bool:
        """Return whether a file has a line that is not a comment."""
        try:
            lines = self.read_exact(name).text.splitlines()
        except UnreadableError:
            return False
        return any(line.strip() and not line.lstrip().startswith(("#", "---")) for line in lines)

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


def _stem(name: str) -> str:
    """Return what identifies a file: its name without endings and marks of a copy."""
    stem = _COPY.sub("", _ENDINGS.sub("", name.lower()))
    return stem.replace("_", "-").replace(" ", "-").replace("authorised", "authorized")
