"""A boot partition and the store of a Pi, in temporary folders."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pvs_bridge.boot_config import specs
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.playbook import Outcome, failure
from pvs_bridge.boot_config.store import Store
from pvs_bridge.boot_config.text_file import Found
from pvs_lab.playbook import PROGRAM

PROJECT = Path(__file__).resolve().parents[3]
_PREFLIGHT = "tests/unit/boot_config/preflight.yml"


def found(text: str, name: str = "pvs-bridge.yml") -> Found:
    """Return a file as it was read."""
    return Found(name, text)


def preflight(inventory: Path, tags: Iterable[str], project: Path) -> Outcome:  # noqa: ARG001 - as playbook.run
    """Check a configuration as site.yml does, without a Pi."""
    done = subprocess.run(
        [PROGRAM, f"--inventory={inventory}", _PREFLIGHT],
        cwd=project,
        env={
            **os.environ,
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_CALLBACK_FORMAT_PRETTY": "0",
            "ANSIBLE_NOCOLOR": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(True) if done.returncode == 0 else failure(done.stdout)


@pytest.fixture
def partition(tmp_path: Path) -> BootPartition:
    """A boot partition without a user's files."""
    folder = tmp_path / "firmware"
    folder.mkdir()
    (folder / "cmdline.txt").write_text("console=tty1 root=LABEL=RASPIROOT\n")
    return BootPartition(folder)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The store of a Pi that has not booted yet."""
    return Store(tmp_path / "boot-config")


@pytest.fixture(scope="session")
def options() -> dict[str, Any]:
    """The variables of all roles."""
    return specs.load(PROJECT)


@pytest.fixture(scope="session")
def role() -> Path:
    """The role's folder."""
    return PROJECT / "roles/boot_config"
