"""A locked root is unlocked to store the configuration, and locked again by who unlocked it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_bridge.boot_config import overlay
from pvs_bridge.host import overlay as host_overlay
from pvs_bridge.host.overlay import WANTED, Root
from pvs_bridge.host.paths import UNCONFIRMED_CHANGE

_OPEN = "/dev/vda / ext4 rw,noatime 0 0\n"
_LOCKED = "overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n"


@pytest.fixture
def restarts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Restarts of the Pi."""
    found: list[str] = []
    monkeypatch.setattr(overlay, "restart", lambda: found.append("restart"))
    monkeypatch.setattr(Root, "_mount", lambda *_: None)
    return found


def pi(base: Path, *, wanted: bool = True, locked: bool = False) -> Root:
    """A Pi's root, with or without a configuration that locks it."""
    for folder in ("etc", "proc/self", "media/root-ro/etc", str(WANTED.parent)):
        (base / folder).mkdir(parents=True, exist_ok=True)
    (base / "proc/self/mounts").write_text(_LOCKED if locked else _OPEN)
    if wanted:
        (base / WANTED).write_text("")
    return Root(base)


def test_a_root_that_the_configuration_does_not_lock_stays_unlocked(tmp_path: Path) -> None:
    assert not overlay.is_due(pi(tmp_path, wanted=False))


@pytest.mark.parametrize(
    ("locked", "reason", "due"),
    [
        (False, None, True),
        (False, "boot-config", True),
        (False, host_overlay.DEFAULT_REASON, False),
        (False, "a run of the playbook", False),
        (False, "updates", False),
        (True, None, False),
    ],
)
def test_boot_config_locks_a_root_that_was_not_unlocked_by_another_program(
    tmp_path: Path, locked: bool, reason: str | None, due: bool
) -> None:
    root = pi(tmp_path)
    if reason:
        root.unlock(reason)
    assert overlay.is_due(pi(tmp_path, locked=locked)) == due


def test_unlocking_and_locking_restart_the_pi(tmp_path: Path, restarts: list[str]) -> None:
    root = pi(tmp_path, locked=True)
    overlay.unlock(root)
    assert root.reason == "boot-config"
    assert restarts == ["restart"]
    root = pi(tmp_path, locked=False)
    overlay.lock(root)
    assert root.locks
    assert restarts == ["restart", "restart"]


def test_a_refused_lock_is_printed_and_does_not_restart_the_pi(
    tmp_path: Path, restarts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    root = pi(tmp_path)
    (tmp_path / UNCONFIRMED_CHANGE).parent.mkdir(parents=True)
    (tmp_path / UNCONFIRMED_CHANGE).write_text("{}")
    overlay.lock(root)
    assert capsys.readouterr().out.startswith("error: the root was not locked: a network change")
    assert restarts == []
