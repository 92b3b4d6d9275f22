"""Paths in messages."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import short_path


def short(path: Path) -> str:
    """Return a path relative to the current folder if it is below it."""
    return short_path(str(path.absolute()))
