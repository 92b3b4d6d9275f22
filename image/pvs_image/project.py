"""What the project says of itself."""

from __future__ import annotations

import tomllib

from pvs_image.paths import PROJECT


def version() -> str:
    """Return the version, as pyproject.toml has it."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
