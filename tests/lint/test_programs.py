"""Each role's program for the Pi: all of it is installed, and a Pi's Python reads it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

_ROLES = Path(__file__).resolve().parents[2] / "roles"
_PROGRAMS = sorted(_ROLES.glob("*/files/usr/local/lib/pvs-bridge/pvs_bridge_*"))


def installed(role: Path) -> list[str]:
    """Name the modules of Python that a role's tasks put onto the Pi."""
    tasks = [task for file in role.glob("tasks/*.yml") for task in yaml.safe_load(file.read_text())]
    files = [
        each for task in tasks for each in task.get("pvs_bridge.core.files", {}).get("files", [])
    ]
    present = [Path(each["dest"]).name for each in files if each.get("state") is None]
    return [name for name in present if name.endswith(".py")]


# One program is a file alone.
@pytest.mark.parametrize(
    "program", [each for each in _PROGRAMS if each.is_dir()], ids=lambda path: path.name
)
def test_every_file_of_the_program_is_installed(program: Path) -> None:
    role = _ROLES / program.relative_to(_ROLES).parts[0]
    assert sorted(installed(role)) == sorted(path.name for path in program.glob("*.py"))


@pytest.mark.parametrize("role", sorted({path.relative_to(_ROLES).parts[0] for path in _PROGRAMS}))
def test_the_program_is_python_3_9(role: str) -> None:
    for path in (_ROLES / role).glob("files/**/*.py"):
        ast.parse(path.read_text(), feature_version=(3, 9))
