"""The program that locks the root: what it says, what it writes, and where.

That the next start obeys it is tested in a guest, by ``tests/radio/test_root.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvs_bridge.host import overlay as module
from pvs_bridge.host.overlay import CARD, CONFIGURATION, Root, RootError

_OPEN = "/dev/vda / ext4 rw,noatime 0 0\n"
_LOCKED = (
    "/dev/vda /media/root-ro ext4 ro,noatime 0 0\n"
    "overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n"
)


class Pi:
    """A Pi's files in a folder; what is mounted is remembered."""

    def __init__(self, base: Path) -> None:
        """Begin with a root that was never locked."""
        self.base = base
        self.root = Root(base)
        for folder in ("etc", "proc/self", f"{CARD}/etc", "var/lib/pvs-bridge/rollback"):
            (base / folder).mkdir(parents=True)
        self.start(_OPEN)

    def start(self, mounts: str) -> None:
        """Start it with other mounts."""
        (self.base / "proc/self/mounts").write_text(mounts)

    def configured(self, *, on_the_card: bool = False) -> str:
        """What the next start reads."""
        folder = self.base / CARD if on_the_card else self.base
        return (folder / CONFIGURATION).read_text()


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    """A Pi."""
    return Pi(tmp_path)


def test_a_root_that_was_never_locked_is_unlocked_by_nobody(pi: Pi) -> None:
    assert pi.root.status() == {
        "locked": False, "locks": False, "reason": None,
        "memory_used_mib": None, "memory_mib": None,
    }  # fmt: skip
    assert pi.root.words() == "the root is unlocked: what is written stays"


def test_locking_takes_a_restart_and_says_so(pi: Pi) -> None:
    assert pi.root.lock()
    assert 'overlayroot="tmpfs:recurse=0"\n' in pi.configured()
    assert pi.root.words() == (
        "the root is unlocked, and locked from the next start on: what is written stays"
    )


def test_a_locked_root_is_unlocked_on_the_card_and_not_in_the_memory_over_it(
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
    assert "is locked, and unlocked from the next start on" in pi.root.words()


def test_the_card_is_not_writable_any_more_after_a_failure(
    pi: Pi, monkeypatch: pytest.MonkeyPatch
) -> None:
    pi.start(_LOCKED)
    mounted: list[str] = []
    monkeypatch.setattr(Root, "_mount", lambda _, options: mounted.append(options))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_replace", full)
    with pytest.raises(OSError, match="No space left"):
        pi.root.unlock()
    assert mounted == ["remount,rw", "remount,bind,ro"]


def test_a_card_that_takes_no_writes_is_named(pi: Pi) -> None:
    pi.start(_LOCKED)
    # Nothing is mounted there.
    with pytest.raises(OSError, match="restart the Pi; a card that takes no writes"):
        pi.root.unlock()


def test_what_is_so_already_takes_no_restart(pi: Pi, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not pi.root.unlock()
    monkeypatch.setattr(Root, "_mount", lambda *_: None)
    pi.start(_LOCKED)
    assert not pi.root.lock()


def test_a_reason_is_one_line(pi: Pi) -> None:
    pi.root.unlock('x\noverlayroot="tmpfs"')
    assert pi.configured().splitlines()[1:] == [
        '# Unlocked for: x overlayroot="tmpfs"', 'overlayroot="disabled"'
    ]  # fmt: skip


def test_it_is_not_locked_while_the_network_s_change_may_be_undone(pi: Pi) -> None:
    (pi.base / "var/lib/pvs-bridge/rollback/pending.json").write_text(json.dumps({}))
    with pytest.raises(RootError, match=r"waits to be confirmed.*Hint: "):
        pi.root.lock()
    assert not (pi.base / CONFIGURATION).exists()
