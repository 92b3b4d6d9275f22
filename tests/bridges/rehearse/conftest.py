"""Rehearsals as a person has them: by make, in labs that really come up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pvs_lab import lifecycle

PROJECT = Path(__file__).resolve().parents[3]

# The program finds its packages this way when it is run.
sys.path.insert(0, str(PROJECT / "ansible"))

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment without earlier rehearsals, and without the variables of make.

    Variables of a surrounding make would count as options.
    """
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key != "RELEASE" and not key.startswith("MAKE")
    }
    return {**inherited, "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}


@pytest.fixture(scope="session")
def start(environment: dict[str, str]) -> Start:
    """Start ``make rehearse`` with options, without the real bridge."""

    def started(inventory: Path, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["make", "rehearse", f"INVENTORY={inventory}", "LIVE=no", *options],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return started


@pytest.fixture(scope="session")
def rehearse(start: Start) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``make rehearse`` to its end."""

    def rehearsed(inventory: Path, *options: str) -> subprocess.CompletedProcess[str]:
        process = start(inventory, *options)
        printed, said = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, printed, said)

    return rehearsed


@pytest.fixture(autouse=True)
def no_twin_is_left() -> Iterator[None]:
    """Fail if a twin is left after the test."""
    yield
    left = [name for name in lifecycle.running() if name.startswith("rehearse-t-")]
    if left:
        pytest.fail(f"still running: {', '.join(left)}")
