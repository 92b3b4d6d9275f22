"""Locking and unlocking the root: the messages, and the file that is written.

The effect at the next start is tested in a guest, by ``tests/nightly/radio/test_root.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvs_bridge import atomic
from pvs_bridge.errors import IssueError
from pvs_bridge.host.overlay import CARD, CONFIGURATION, Root

_OPEN = "/dev/vda / ext4 rw,noatime 0 0\n"
_LOCKED = (
    "/dev/vda /media/root-ro ext4 ro,noatime 0 0\n"
    "overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n"
)


class Pi:
    """A Pi's files in a folder."""

    def __init__(self, base: Path) -> None:
        """Start with a root that was never locked."""
        self.base = base
        self.root = Root(base)
        for folder in ("etc", "proc/self", f"{CARD}/etc", "var/lib/pvs-bridge/rollback"):
            (base / folder).mkdir(parents=True)
        self.start(_OPEN)

    def start(self, mounts: str) -> None:
        """Set the mounts."""
        (self.base / "proc/self/mounts").write_text(mounts)

    def configured(self, *, on_the_card: bool = False) -> str:
        """Return the file that the next start reads."""
        folder = self.base / CARD if on_the_card else self.base
        return (folder / CONFIGURATION).read_text()


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    """A Pi."""
    return Pi(tmp_path)


def test_a_root_that_was_never_locked_has_no_reason(pi: Pi) -> None:
    assert pi.root.status() == {
        "locked": False, "locks": False, "reason": None,
        "memory_used_mib": None, "memory_mib": None,
    }  # fmt: skip
    assert pi.root.describe() == "the root is unlocked: changes are kept"


def test_locking_needs_a_restart_and_says_so(pi: Pi) -> None:
    assert pi.root.lock()
    assert 'overlayroot="tmpfs:recurse=0"\n' in pi.configured()
    assert pi.root.describe() == (
        "the root is unlocked, and locked after the next restart: changes are kept"
    )


def test_a_locked_root_is_unlocked_on_the_card_and_not_in_the_overlay(
    pi: Pi, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.start(_LOCKED)
    mounted: list[str] = []
    monkeypatch.setattr(Root, "_mount", lambda _, options: mounted.append(options))
    assert pi.root.unlock("updates")
    assert mounted == ["remount,rw", "remount,bind,ro"]
    assert not (pi.base / CONFIGURATION).exists()
    assert pi.configured(on_the_card=True).splitlines()[1:] == [
        "# Unlocked for: updates", 'overlayroot="disabled"'
    ]  # fmt: skip
    status = pi.root.status()
    assert (status["locked"], status["locks"], status["reason"]) == (True, False, "updates")
    assert "is locked, and unlocked after the next restart" in pi.root.describe()


def test_the_card_is_read_only_again_after_a_failure(
    pi: Pi, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.start(_LOCKED)
    mounted: list[str] = []
    monkeypatch.setattr(Root, "_mount", lambda _, options: mounted.append(options))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write", full)
    with pytest.raises(OSError, match="No space left"):
        pi.root.unlock()
    assert mounted == ["remount,rw", "remount,bind,ro"]


def test_a_read_only_card_is_reported(pi: Pi) -> None:
    pi.start(_LOCKED)
    # The folder is not a mount point.
    with pytest.raises(IssueError, match="restart the Pi; if the card still cannot be"):
        pi.root.unlock()


def test_without_a_change_no_restart_is_needed(pi: Pi, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not pi.root.unlock()
    monkeypatch.setattr(Root, "_mount", lambda *_: None)
    pi.start(_LOCKED)
    assert not pi.root.lock()


def test_a_reason_is_written_on_one_line(pi: Pi) -> None:
    pi.root.unlock('x\noverlayroot="tmpfs"')
    assert pi.configured().splitlines()[1:] == [
        '# Unlocked for: x overlayroot="tmpfs"', 'overlayroot="disabled"'
    ]  # fmt: skip


def test_the_root_is_not_locked_while_a_network_change_is_unconfirmed(pi: Pi) -> None:
    (pi.base / "var/lib/pvs-bridge/rollback/pending.json").write_text(json.dumps({}))
    with pytest.raises(IssueError, match=r"is not confirmed yet.*Hint: "):
        pi.root.lock()
    assert not (pi.base / CONFIGURATION).exists()
