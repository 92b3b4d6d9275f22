"""Where things are: the project that goes onto the card, and what is slow to make again."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
IMAGE = PROJECT / "image"


def cache_dir() -> Path:
    """The folder of what is slow to make and safe to delete."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pvs-bridge" / "image"
