"""Fixtures: a Pi's files in a folder, and its rollback."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.rollback import pi

from pvs_bridge.rollback import runtime as runtime_module
from pvs_bridge.rollback.rollback import Rollback
from pvs_bridge.rollback.snapshot import Snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a Pi's files."""
    folder = tmp_path / "root"
    folder.mkdir()
    pi.make(folder)
    return folder


@pytest.fixture
def snapshot(root: Path) -> Snapshot:
    """Return a snapshot of it, taken now."""
    taken = Snapshot(root / "var/lib/kept/snapshot.tar", root)
    taken.take()
    return taken


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> pi.Runtime:
    """Record the calls to systemd and the network daemons.

    Labs test the real ones, in ``tests/bridges/rollback``.
    """
    fake = pi.Runtime()
    fake.install(lambda name, function: monkeypatch.setattr(runtime_module, name, function))
    return fake


@pytest.fixture
def rollback(root: Path, runtime: pi.Runtime) -> Rollback:  # noqa: ARG001 - patches
    """Return the rollback of it; nothing is armed."""
    return Rollback(root)
