"""The folder of the rendered files: the paths on the Pi below bridge and backend.

A bridge's files are there as a whole or not at all: they are written beside it, then put in place.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridgectl.validate.bridge import Files
from bridgectl.validate.report import CannotWorkError

# Tells the folder from one that somebody keeps other things in.
_MARKER = ".pvs-bridge-validate"
_SAID = "Rendered by make validate, which deletes here what no bridge has any more.\n"


class Folder:
    """The folder."""

    def __init__(self, path: Path) -> None:
        """Make it where it is missing.

        Args:
            path: where it is to be.

        Raises:
            CannotWorkError: It cannot be made, or somebody keeps other things in it.
        """
        self._path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()) and not (path / _MARKER).is_file():
                raise CannotWorkError(
                    f"OUTPUT={path} holds files that are not from here",
                    "name a folder that is empty or does not exist yet",
                )
            (path / _MARKER).write_text(_SAID, encoding="utf-8")
        except OSError as error:
            raise CannotWorkError(
                f"OUTPUT={path} cannot be written: {error.strerror}",
                "name a folder that you may write into",
            ) from error

    def file(self, bridge: str, backend: str, path: str) -> Path:
        """Return where a file of a bridge is."""
        return self._path / bridge / backend / path.lstrip("/")

    def put(
        self, rendered: Mapping[str, Files], chosen: Iterable[str], known: Iterable[str]
    ) -> None:
        """Write the files of the bridges that were asked for, and forget what is stale.

        Args:
            rendered: by bridge; one that could not be rendered has none.
            chosen: the bridges that were asked for.
            known: all bridges of the inventory.
        """
        stale = {each.name for each in self._path.iterdir() if each.is_dir()} - {*known}
        for name in stale:
            shutil.rmtree(self._path / name)
        for bridge in chosen:
            with tempfile.TemporaryDirectory(prefix=".new-", dir=self._path) as folder:
                self._put_one(Path(folder), bridge, rendered.get(bridge, {}))

    def _put_one(self, folder: Path, bridge: str, files: Files) -> None:
        final = self._path / bridge
        for backend, those in files.items():
            for path, file in those.items():
                target = folder / "new" / backend / path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                # A link would lead to a file of this machine.
                text = f"# link to {file.leads_to}\n" if file.leads_to else file.text
                target.write_text(text, encoding="utf-8", newline="")
        if final.exists():
            final.rename(folder / "old")
        if files:
            (folder / "new").rename(final)
