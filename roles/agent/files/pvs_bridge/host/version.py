"""The version of this project."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_COPIES = (Path("/usr/share/pvs-bridge"), Path("/usr/local/share/pvs-bridge"))
_VERSION = re.compile(r'^version = "(?P<version>[^"]+)"$', re.MULTILINE)


def version(projects: Iterable[Path] = _COPIES) -> str:
    """Return the version of the first copy of the project; empty if it is unknown.

    Args:
        projects: Folders that may have pyproject.toml: that of the package, and that of a card.
    """
    for project in projects:
        try:
            found = _VERSION.search((project / "pyproject.toml").read_text(encoding="utf-8"))
        except OSError:
            continue
        if found:
            return found["version"]
    return ""
