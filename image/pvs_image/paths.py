"""Paths: the project, and the cache of slow build steps."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
IMAGE = PROJECT / "image"


def cache_dir() -> Path:
    """Return the cache folder, which is safe to delete."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pvs-bridge" / "image"
