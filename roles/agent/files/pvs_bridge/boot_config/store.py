"""The configuration that the Pi has stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pvs_bridge import atomic

FOLDER = Path("/etc/pvs-bridge/boot-config")
"""The stored configuration with its secrets; only root can read it."""


class Store:
    """A folder with one JSON file for each name."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Set the folder; it is created with the first file."""
        self.folder = folder

    def begin_change(self) -> None:
        """Announce a change of something outside the store, before it is made."""

    def read(self, name: str) -> Any:  # noqa: ANN401 - JSON holds anything
        """Return a stored value; None if it is missing or damaged."""
        try:
            return json.loads((self.folder / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, name: str, value: object) -> None:
        """Store a value.

        Raises:
            OSError: The disk is full or read-only.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{name}.json"
        text = json.dumps(value, indent=1, ensure_ascii=False)
        # Writing an unchanged file would wear out the card.
        if self.read(name) != json.loads(text):
            atomic.write(path, text.encode())

    def remove(self, name: str) -> None:
        """Remove a value.

        Raises:
            OSError: The disk is read-only.
        """
        if (self.folder / f"{name}.json").exists():
            atomic.remove(self.folder / f"{name}.json")


class WouldChangeError(Exception):
    """Something would have been changed."""


class DryRunStore(Store):
    """A store that raises an error instead of changing anything.

    The outcome, which is written for the report, does not count as a change.
    """

    _OUTCOME = "outcome"

    def begin_change(self) -> None:
        """Refuse the change.

        Raises:
            WouldChangeError: always.
        """
        raise WouldChangeError

    def write(self, name: str, value: object) -> None:
        """Compare a value with the stored one.

        Raises:
            WouldChangeError: They differ.
        """
        if name != self._OUTCOME and self.read(name) != json.loads(json.dumps(value)):
            raise WouldChangeError

    def remove(self, name: str) -> None:
        """Check that the value is not stored.

        Raises:
            WouldChangeError: There is one.
        """
        if self.read(name) is not None:
            raise WouldChangeError
