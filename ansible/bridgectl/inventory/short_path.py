"""How a person names a file."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import short_path


def short(path: Path) -> str:
    """Write a path relative to the current folder where that is shorter."""
    return short_path(str(path.absolute()))
