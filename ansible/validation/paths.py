"""Where the project is, and how a person names a file."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import short_path

PROJECT = Path(__file__).resolve().parents[2]
PLAYBOOK = PROJECT / "ansible/site.yml"


def short(path: Path) -> str:
    """Write a path as somebody in the current folder would type it."""
    return short_path(str(path.absolute()))
