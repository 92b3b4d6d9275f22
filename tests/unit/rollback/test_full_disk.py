"""A full disk prevents a change, but never its undo."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.rollback import pi
from unit.rollback.pi import Runtime

from pvs_bridge.rollback.rollback import DEADLINE_UNIT, Rollback, RollbackError

pytestmark = pytest.mark.needs_system

_PAGE_BYTES = 4096


class Disk:
    """A small disk with a Pi's files.

    Args:
        root: The mount point.
    """

    def __init__(self, root: Path) -> None:
        """Create the Pi's files."""
        self.root = root
        self._filler = root / "filler"
        pi.make(root)
        # Restoring this file needs the reserved space.
        self.big = root / "etc/NetworkManager/big"
        self.big.write_text("x" * 300_000)

    def fill(self, free_bytes: int = 0) -> None:
        """Fill the disk except for some bytes."""
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(_PAGE_BYTES))
            except OSError:
                size = filler.tell()
        os.truncate(self._filler, max(0, size - free_bytes))

    def empty(self) -> None:
        """Free the space again."""
        self._filler.unlink()

    def tree(self) -> pi.Tree:
        """Read the Pi's files."""
        return {path: entry for path, entry in pi.tree(self.root).items() if path != "filler"}


@pytest.fixture
def disk(tmp_path: Path, runtime: Runtime) -> Iterator[Disk]:  # noqa: ARG001 - patches
    """Mount a disk of 4 MiB."""
    root = tmp_path / "disk"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", root], check=True)
    try:
        yield Disk(root)
    finally:
        subprocess.run(["umount", root], check=True)


def arm(root: Path) -> None:
    """Arm as the module managed_files does."""
    Rollback(root).arm("a1", "anna@laptop", 120, ["eth0"])


def test_a_disk_without_space_for_the_undo_refuses_and_saves_nothing(
    disk: Disk, runtime: Runtime
) -> None:
    before = disk.tree()
    rollback = Rollback(disk.root)
    disk.fill()
    with pytest.raises(RollbackError) as refused:
        arm(disk.root)
    assert "so nothing was changed: [Errno 28] No space left on device" in str(refused.value)
    assert f"Hint: free space on the Pi's card (df -h {rollback.folder.parent})" in str(
        refused.value
    )
    assert list(rollback.folder.iterdir()) == []
    assert disk.tree() == before
    assert runtime.done("start_timer") == []


def test_with_any_free_space_arming_is_refused_or_can_be_undone(
    disk: Disk, runtime: Runtime
) -> None:
    before = disk.tree()
    rollback = Rollback(disk.root)
    refused = undone = 0
    for pages in range(0, 700, 5):
        disk.fill(pages * _PAGE_BYTES)
        runtime.calls.clear()
        try:
            arm(disk.root)
        except RollbackError:
            refused += 1
            assert {path.name for path in rollback.folder.iterdir()} <= {"last.json"}
            assert runtime.calls[-1] == ("stop_timer", DEADLINE_UNIT)
            disk.empty()
            continue
        # Space for the change itself, and then none.
        disk.empty()
        pi.change(disk.root)
        disk.big.write_text("")
        disk.fill()
        assert rollback.undo("no")
        assert disk.tree() == before
        assert rollback.pending() is None
        disk.empty()
        undone += 1
        if undone == 5:
            break
        rollback.last.unlink()  # another run
    assert refused > 50
    assert undone == 5


def test_rejected_files_are_not_copied_without_space(disk: Disk) -> None:
    before = disk.tree()
    arm(disk.root)
    (disk.root / "etc/systemd/huge").write_text("x" * 2_000_000)
    disk.fill()
    rollback = Rollback(disk.root)
    assert rollback.undo("no")
    assert disk.tree() == before
    last = rollback.last_undone()
    assert last["files"] == ["/etc/systemd/huge"]
    assert last["folder"] == ""
