"""Fixtures for the tests of the controller's commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import bridgectl.ansible_loader  # noqa: F401 - before any part of the collection

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project() -> Path:
    """Return the project's root."""
    return PROJECT


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Replace all tools of this computer by those that a test creates from name and output."""
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
