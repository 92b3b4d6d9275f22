"""Fixtures for the tests of what runs on the controller beside Ansible."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]

# The programs in there import each other, and find each other this way when they are run.
sys.path.insert(0, str(PROJECT / "ansible"))


@pytest.fixture
def project() -> Path:
    """Return the project's root."""
    return PROJECT


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Leave this computer without tools, and with those that a test makes: name and output."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("bridgectl.init.detect._SYSTEM_FOLDERS", ())

    def make(name: str, output: str) -> None:
        (folder / f"{name}.out").write_text(output, encoding="utf-8")
        program = folder / name
        program.write_text(f"#!/bin/sh\nexec /bin/cat '{program}.out'\n", encoding="utf-8")
        program.chmod(0o755)

    return make
