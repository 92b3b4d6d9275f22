"""Each molecule scenario is a test: a bridge made, made again, looked at, rebooted, looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parent
_PROJECT = _FOLDER.parents[2]
SCENARIOS = sorted(path.parent.name for path in _FOLDER.glob("*/molecule.yml"))
# The core of the other folders starts from golden bridges, which the same playbook provisions.
_CORE = {"trixie-networkmanager"}


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(each, marks=pytest.mark.core if each in _CORE else ()) for each in SCENARIOS],
)
def test_a_bridge_is_made_and_keeps_working(scenario: str) -> None:
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [programs / "molecule", "test", "--scenario-name", scenario],
        cwd=_PROJECT,
        env={
            **os.environ,
            "MOLECULE_GLOB": "tests/bridges/molecule/*/molecule.yml",
            "PATH": f"{programs}:{os.environ['PATH']}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"molecule test -s {scenario}:\n{done.stdout[-20000:]}"
