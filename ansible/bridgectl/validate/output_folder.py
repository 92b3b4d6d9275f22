"""The folder of the rendered files: BRIDGE/BACKEND/path on the Pi.

The files of a bridge are written to a temporary folder, which then replaces the old one.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridgectl.errors import CannotWorkError
from bridgectl.validate.bridge import Files

# Distinguishes the folder from folders with other files.
_MARKER = ".pvs-bridge-validate"
_MARKER_TEXT = "Rendered by make validate, which deletes outdated files in this folder.\n"


class OutputFolder:
    """The folder of the rendered files."""

    def __init__(self, path: Path) -> None:
        """Create it if it is missing.

        Args:
            path: of the folder.

        Raises:
            CannotWorkError: it cannot be created, or contains other files.
        """
        self._path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()) and not (path / _MARKER).is_file():
                raise CannotWorkError(
                    f"OUTPUT={path} contains files that make validate has not written",
                    "use a folder that is empty or does not exist yet",
                )
            # Of an existing folder, the marker may be a link of a stranger's.
            if not (path / _MARKER).exists():
                with (path / _MARKER).open("x", encoding="utf-8") as stream:
                    stream.write(_MARKER_TEXT)
        except OSError as error:
            raise CannotWorkError(
                f"OUTPUT={path} cannot be written: {error.strerror}",
                "use a folder with write permission",
            ) from error

    def file(self, bridge: str, backend: str, path: str) -> Path:
        """Return the path of a file of a bridge."""
        return self._path / bridge / backend / path.lstrip("/")

    def write(
        self, rendered: Mapping[str, Files], selected: Iterable[str], known: Iterable[str]
    ) -> None:
        """Write the files of the selected bridges, and delete outdated folders.

        Args:
            rendered: by bridge; a bridge that could not be rendered has none.
            selected: the bridges that LIMIT selects.
            known: all bridges of the inventory.
        """
        stale = {each.name for each in self._path.iterdir() if each.is_dir()} - {*known}
        for name in stale:
            shutil.rmtree(self._path / name)
        for bridge in selected:
            with tempfile.TemporaryDirectory(prefix=".new-", dir=self._path) as folder:
                self._write_one(Path(folder), bridge, rendered.get(bridge, {}))

    def _write_one(self, folder: Path, bridge: str, files: Files) -> None:
        final = self._path / bridge
        for backend, those in files.items():
            for path, file in those.items():
                target = folder / "new" / backend / path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                # A symbolic link would point to a file of this computer.
                text = f"# link to {file.target}\n" if file.target else file.text
                target.write_text(text, encoding="utf-8", newline="")
        if final.exists():
            final.rename(folder / "old")
        if files:
            (folder / "new").rename(final)
