"""What the Pi keeps of its configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pvs_bridge import atomic

FOLDER = Path("/etc/pvs-bridge/card")
"""What the Pi keeps of the card's description, secrets included; only root can read it."""


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
            atomic.write(path, text.encode())

    def remove(self, name: str) -> None:
        """Forget a value.

        Raises:
            OSError: the disk must not be written to.
        """
        if (self.folder / f"{name}.json").exists():
            atomic.remove(self.folder / f"{name}.json")


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
