"""After a power cut at any moment, the next boot has the old or the confirmed network."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from unit.rollback import pi
from unit.rollback.cuts import cut_off
from unit.rollback.pi import Runtime

from ansible_collections.pvs_bridge.core.plugins.modules import managed_files
from pvs_bridge.rollback.rollback import Rollback

pytestmark = [pytest.mark.needs_system, pytest.mark.usefixtures("runtime")]
# More than any of these functions needs.
_MOST_STEPS = 1000


def arm(rollback: Rollback) -> None:
    """Arm as the module managed_files does."""
    rollback.arm("a1", "anna@laptop", 120, ["eth0"])


def armed(root: Path) -> None:
    """Arm."""
    arm(Rollback(root))


def armed_and_changed(root: Path) -> None:
    """Arm, and change files as a run does."""
    arm(Rollback(root))
    pi.change(root)


def each_cut(
    root: Path, prepare: Callable[[Path], None], work: Callable[[Path], object]
) -> Iterator[Path]:
    """Run a function on copies of a Pi, interrupted one step later each time, until it returns.

    Args:
        root: The Pi's files.
        prepare: Prepares each copy.
        work: The function that is interrupted.

    Yields:
        each copy after the power cut.
    """
    for step in range(1, _MOST_STEPS):
        copy = root.with_name(f"cut-{step}")
        subprocess.run(["cp", "--archive", root, copy], check=True)
        prepare(copy)
        survived = cut_off(step, lambda copy=copy: work(copy))  # type: ignore[misc]
        yield copy
        shutil.rmtree(copy)
        if survived:
            assert step > 5
            return
    raise AssertionError(f"more than {_MOST_STEPS} steps")


def boot(root: Path) -> bool:
    """Do what the unit does at each boot."""
    rollback = Rollback(root)
    return rollback.marker.exists() and rollback.undo("power", booting=True)


def assert_ready(root: Path) -> None:
    """Check that no change is pending, and that the next one can be made and undone."""
    rollback = Rollback(root)
    assert rollback.pending() is None
    before = pi.tree(root)
    rollback.arm("z9", "zoe@desk", 120, ["eth0"])
    pi.change(root)
    assert rollback.undo("no", "z9")
    assert pi.tree(root) == before
    left = {path.name for path in rollback.folder.iterdir()}
    assert left <= {"last.json", "rejected"}


def test_while_arming(root: Path) -> None:
    before = pi.tree(root)
    for copy in each_cut(root, lambda _: None, armed):
        boot(copy)
        assert pi.tree(copy) == before
        assert_ready(copy)


def test_while_the_files_are_changed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module managed_files arms before its first change."""

    def provision(copy: Path) -> None:
        monkeypatch.setattr(managed_files, "_arm", lambda *_: arm(Rollback(copy)))
        wanted = [
            {"dest": f"{copy}/{pi.PROFILE}", "content": "ssid=other\n", "mode": "0600"},
            {"dest": f"{copy}/etc/dhcpcd.conf", "state": "block", "marker": "pvs-bridge: PVS link",
             "content": "interface eth0", "backup": True},
            {"dest": f"{copy}/etc/hosts", "state": "line", "regexp": "^127.0.1.1",
             "content": "127.0.1.1 shed"},
            {"dest": f"{copy}/etc/modprobe.d/new.conf", "content": "options\n"},
            {"dest": f"{copy}/{pi.WANTS}", "state": "link", "src": "/dev/null"},
            {"dest": f"{copy}/etc/default/noth*", "state": "absent"},
        ]  # fmt: skip
        rollback = {"id": "a1", "controller": "a", "timeout_seconds": 9, "interfaces": ["eth0"]}
        with patch_module_args({"files": wanted, "rollback": rollback}):
            try:
                managed_files.main()
            except SystemExit as ended:
                assert ended.code == 0
        assert (copy / "etc/hosts").read_text().endswith("127.0.1.1 shed\n")

    before = pi.tree(root)
    undone = 0
    for copy in each_cut(root, lambda _: None, provision):
        undone += boot(copy)
        assert pi.tree(copy) == before
        assert_ready(copy)
    assert undone > 10


@pytest.mark.parametrize("booting", [False, True], ids=["while the Pi runs", "at boot"])
def test_while_undoing(root: Path, booting: bool) -> None:
    before = pi.tree(root)
    all_files: set[str] = set()
    for copy in each_cut(
        root, armed_and_changed, lambda copy: Rollback(copy).undo("no", booting=booting)
    ):
        boot(copy)
        assert pi.tree(copy) == before
        last = Rollback(copy).last_undone()
        # What the interrupted undo restored is included in the record and in the copies.
        told = {each for each in last["files"] if "unfinished" not in each}
        all_files = all_files or told
        assert told == all_files
        rejected = Path(last["folder"])
        assert (rejected / "etc/hostname").read_text() == "shed\n"
        assert (rejected / "etc/ssh/sshd_config/part").is_file()
        assert len(list(rejected.parent.iterdir())) == 1
        assert_ready(copy)
    assert len(all_files) == 10


def test_while_undoing_repeatedly(root: Path) -> None:
    before = pi.tree(root)
    step = 0
    survived = False
    armed_and_changed(root)
    while not survived:
        step += 1
        survived = cut_off(step, lambda: Rollback(root).undo("no"))
    assert pi.tree(root) == before
    assert_ready(root)


def test_an_interrupted_undo_still_restarts_the_units(root: Path, runtime: Runtime) -> None:
    """The files are restored already when the second undo compares them."""
    armed_and_changed(root)
    runtime.refuses = {"restore"}
    with pytest.raises(OSError, match="refused"):
        Rollback(root).undo("no")
    runtime.refuses = set()
    runtime.calls.clear()
    assert Rollback(root).undo("no")
    ((_, changed),) = runtime.done("restore")
    assert {"etc/ssh/sshd_config", "etc/hostname", pi.WANTS} <= set(changed)


def test_while_confirming(root: Path) -> None:
    before = pi.tree(root)
    outcomes = []

    def prepare(copy: Path) -> None:
        armed_and_changed(copy)
        Rollback(copy).apply("a1", "true")

    def keep(copy: Path) -> None:
        assert Rollback(copy).confirm("a1") == "confirmed"

    for copy in each_cut(root, prepare, keep):
        undone = boot(copy)
        outcomes.append(undone)
        assert (pi.tree(copy) == before) is undone
        assert Rollback(copy).confirm("a1") == ("undone" if undone else "confirmed")
        assert Rollback(copy).pending() is None
        if undone:
            assert_ready(copy)
    # Undone at first; kept from one step on.
    assert outcomes == sorted(outcomes, reverse=True)
    assert set(outcomes) == {True, False}
