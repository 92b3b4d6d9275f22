"""Arm, apply, confirm, undo: by which caller, in which order, and what is left afterwards."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest
from unit.rollback import pi
from unit.rollback.pi import Runtime

from pvs_bridge.rollback import rollback as module
from pvs_bridge.rollback.rollback import (
    CHANGE_UNIT,
    DEADLINE_UNIT,
    Rollback,
    RollbackError,
)

pytestmark = pytest.mark.needs_system

CHANGED = {
    "/etc/.pvs-bridge-x.new",
    f"/{pi.PROFILE}",
    "/etc/NetworkManager/system-connections/new.nmconnection",
    "/etc/dhcpcd.conf.1.2026-11-23@01:00:00~",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/netplan",
    "/etc/ssh/sshd_config",
    "/etc/ssh/sshd_config/part",
    f"/{pi.WANTS}",
}


def arm(rollback: Rollback, identifier: str = "a1", controller: str = "anna@laptop") -> None:
    """Arm as the module managed_files does."""
    rollback.arm(identifier, controller, 120, ["eth0", "wlan0"])


def left(rollback: Rollback) -> list[str]:
    """Return the names in the rollback's folder."""
    return sorted(path.name for path in rollback.folder.iterdir())


def spoil_marker(rollback: Rollback, text: str) -> None:
    """Damage the marker."""
    rollback.marker.write_text(text)


def test_arming_changes_nothing_and_starts_the_timer(
    root: Path, rollback: Rollback, runtime: Runtime
) -> None:
    before = pi.tree(root)
    arm(rollback)
    assert pi.tree(root) == before
    assert left(rollback) == ["pending.json", "snapshot.ballast", "snapshot.tar"]
    assert rollback.marker.stat().st_mode & 0o777 == 0o600
    pending = rollback.pending()
    assert pending
    assert (pending.id, pending.controller, pending.applied) == ("a1", "anna@laptop", False)
    assert (pending.age_seconds, pending.left_seconds) in [(0, 120), (0, 119), (1, 118)]
    ((unit, _, seconds, *command),) = runtime.done("start_timer")
    assert (unit, seconds) == (DEADLINE_UNIT, 120)
    assert command[:5] == ["/usr/local/bin/pvs-bridge", "rollback", "undo", "--id", "a1"]


def test_the_timer_starts_before_the_marker_is_written(
    root: Path, rollback: Rollback, runtime: Runtime
) -> None:
    runtime.refuses = {"start_timer"}
    with pytest.raises(RollbackError, match="could not be armed, so nothing was changed"):
        arm(rollback)
    assert left(rollback) == []
    assert Rollback(root).pending() is None


def test_a_marker_that_cannot_be_written_leaves_nothing(
    rollback: Rollback, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pvs_bridge.rollback.runtime.as_json", full)
    with pytest.raises(RollbackError, match="No space left on device"):
        arm(rollback)
    assert left(rollback) == []
    assert runtime.calls[-1] == ("stop_timer", DEADLINE_UNIT)


def test_arming_twice_keeps_the_first_snapshot(
    root: Path, rollback: Rollback, runtime: Runtime
) -> None:
    before = pi.tree(root)
    arm(rollback)
    pi.change(root)
    arm(rollback)
    assert len(runtime.done("start_timer")) == 1
    assert rollback.undo("no reconnection")
    assert pi.tree(root) == before


def test_a_second_controller_is_refused_with_name_and_age_of_the_first(
    rollback: Rollback, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = module._now()
    arm(rollback)
    monkeypatch.setattr(module, "_now", lambda: now + 40)
    with pytest.raises(RollbackError) as refused:
        arm(rollback, "b2", "ben@desk")
    assert re.fullmatch(
        r"anna@laptop changes the network of this Pi since (39|40) s\. Hint: run again when that "
        r"change is confirmed or undone, in (80|81) s at the latest; or, on the Pi, sudo "
        r"pvs-bridge rollback undo",
        str(refused.value),
    )
    pending = rollback.pending()
    assert pending
    assert pending.id == "a1"


def test_a_change_that_was_undone_does_not_continue(rollback: Rollback, root: Path) -> None:
    arm(rollback)
    pi.change(root)
    rollback.undo("it was not confirmed within 120 s")
    with pytest.raises(RollbackError, match="undone, it was not confirmed within 120 s"):
        arm(rollback)
    assert rollback.pending() is None
    arm(rollback, "c3")


def test_a_confirmed_change_may_be_followed_by_another_of_the_same_run(
    root: Path, rollback: Rollback
) -> None:
    for hostname in ("shed", "barn"):
        arm(rollback)
        (root / "etc/hostname").write_text(hostname)
        rollback.apply("a1", "true")
        assert rollback.confirm("a1") == "confirmed"
    assert (root / "etc/hostname").read_text() == "barn"


def test_a_change_is_applied_by_a_service_and_restarts_the_timer(
    rollback: Rollback, root: Path, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm(rollback)
    now = module._now()
    monkeypatch.setattr(module, "_now", lambda: now + 100)
    rollback.apply("a1", "nmcli connection reload\necho $HOME %i\n")
    pending = rollback.pending()
    assert pending
    assert (pending.left_seconds, pending.applied) == (120, True)
    assert [seconds for _, _, seconds, *_ in runtime.done("start_timer")] == [120, 120]
    ((unit, _, shell, option, command),) = runtime.done("start_service")
    assert (unit, shell, option) == (CHANGE_UNIT, "/bin/sh", "-c")
    script = root / "run/pvs-bridge-rollback-change.sh"
    assert script.read_text() == "nmcli connection reload\necho $HOME %i\n"
    assert command == (
        f"sleep 2\n/bin/sh -e {script} || {{\n/usr/local/bin/pvs-bridge rollback undo --id a1 "
        '--reason "it could not be applied"\nexit 1\n}'
    )


@pytest.mark.parametrize("identifier", ["a1", "b2"])
def test_only_an_armed_change_can_be_applied(
    rollback: Rollback, runtime: Runtime, identifier: str
) -> None:
    if identifier == "b2":
        arm(rollback)
    with pytest.raises(RollbackError, match=f"the change {identifier} is not armed"):
        rollback.apply(identifier, "true")
    assert runtime.done("start_service") == []


def test_a_change_that_was_undone_cannot_be_applied_and_says_why(rollback: Rollback) -> None:
    arm(rollback)
    rollback.undo("it was not confirmed within 120 s")
    with pytest.raises(RollbackError, match="it was undone, it was not confirmed within 120 s"):
        rollback.apply("a1", "true")


def test_a_confirmed_change_stays_and_the_snapshot_is_removed(
    root: Path, rollback: Rollback, runtime: Runtime
) -> None:
    arm(rollback)
    pi.change(root)
    changed = pi.tree(root)
    rollback.apply("a1", "true")
    assert rollback.confirm("a1") == "confirmed"
    assert runtime.calls[-1] == ("stop_timer", DEADLINE_UNIT)
    assert left(rollback) == []
    assert not rollback.undo("too late")
    assert pi.tree(root) == changed


def test_a_look_confirms_nothing(rollback: Rollback, runtime: Runtime) -> None:
    arm(rollback)
    rollback.apply("a1", "true")
    runtime.change = "running"
    assert rollback.confirm("a1", look=True) == "applying"
    runtime.change = "done"
    assert [rollback.confirm("a1", look=True) for _ in range(2)] == ["applied", "applied"]
    assert rollback.pending()
    assert rollback.confirm("a1") == "confirmed"
    assert rollback.confirm("a1", look=True) == "confirmed"


def test_confirming_twice_gives_the_same_answer(rollback: Rollback) -> None:
    arm(rollback)
    rollback.apply("a1", "true")
    assert [rollback.confirm("a1"), rollback.confirm("a1")] == ["confirmed", "confirmed"]
    assert rollback.confirm("b2") == "nothing"


@pytest.mark.parametrize("state", ["running", "failed", "unknown"])
def test_a_change_that_is_not_complete_cannot_be_confirmed(
    rollback: Rollback, runtime: Runtime, state: str
) -> None:
    arm(rollback)
    rollback.apply("a1", "sleep 10")
    runtime.change = state
    assert [rollback.confirm("a1"), rollback.confirm()] == ["applying", "applying"]
    assert rollback.pending()


def test_a_change_that_was_not_applied_is_confirmed_only_without_an_identifier(
    rollback: Rollback, runtime: Runtime
) -> None:
    runtime.change = "failed"  # an earlier one
    arm(rollback)
    assert rollback.confirm("a1") == "armed"
    assert rollback.pending()
    assert rollback.confirm() == "confirmed"


def test_without_a_change_there_is_nothing_to_confirm(rollback: Rollback) -> None:
    assert [rollback.confirm(), rollback.confirm("a1")] == ["nothing", "nothing"]
    arm(rollback)
    assert rollback.confirm("b2") == "nothing"
    assert rollback.pending()
    rollback.undo("why not")
    assert [rollback.confirm("a1"), rollback.confirm("b2")] == ["undone", "nothing"]


def test_undo_restores_files_and_runtime_and_is_recorded(
    root: Path, rollback: Rollback, runtime: Runtime
) -> None:
    before = pi.tree(root)
    arm(rollback)
    pi.change(root)
    rollback.apply("a1", "true")
    runtime.calls.clear()
    assert rollback.undo("no reconnection", "a1")
    assert pi.tree(root) == before
    last = rollback.last_undone()
    assert {key: last[key] for key in ("id", "controller", "reason")} == {
        "id": "a1",
        "controller": "anna@laptop",
        "reason": "no reconnection",
    }
    assert set(last["files"]) == CHANGED
    assert (Path(last["folder"]) / "etc/hostname").read_text() == "shed\n"
    (change,) = runtime.done("restore")
    assert change[0] == {"hostname": "garage"}
    assert {f"/{path}" for path in change[1]} == CHANGED
    # The change's service stops first; the timer last, because it repeats an interrupted undo.
    assert runtime.calls[0] == ("is_inside", CHANGE_UNIT)
    assert runtime.calls[1] == ("stop_service", CHANGE_UNIT)
    assert runtime.calls[-1] == ("stop_timer", DEADLINE_UNIT)
    assert left(rollback) == ["last.json", "rejected"]
    assert not rollback.undo("once more")


def test_a_failed_change_does_not_stop_its_own_service(
    rollback: Rollback, runtime: Runtime
) -> None:
    arm(rollback)
    rollback.apply("a1", "false")
    runtime.inside = True
    assert rollback.undo("it could not be applied", "a1")
    assert runtime.done("stop_service") == []


def test_a_change_with_another_identifier_is_not_undone(root: Path, rollback: Rollback) -> None:
    arm(rollback)
    pi.change(root)
    changed = pi.tree(root)
    assert not rollback.undo("an old timer", "b2")
    assert pi.tree(root) == changed


def test_at_boot_only_files_and_hostname_are_restored(
    root: Path, rollback: Rollback, runtime: Runtime
) -> None:
    before = pi.tree(root)
    arm(rollback)
    (root / "etc/hostname").write_text("shed\n")
    runtime.calls.clear()
    assert rollback.undo("power", booting=True)
    assert pi.tree(root) == before
    assert runtime.calls == [("set_hostname", "garage")]


@pytest.mark.parametrize(
    "path", [pi.WANTS, "etc/modprobe.d/country.conf", "etc/netplan/1.yaml", "etc/default/nothing"]
)
def test_files_that_systemd_has_read_need_another_boot(
    root: Path, rollback: Rollback, runtime: Runtime, path: str
) -> None:
    arm(rollback)
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).unlink(missing_ok=True)
    (root / path).write_text("rejected\n")
    rollback.undo("power", booting=True)
    assert runtime.calls[-1] == ("reboot",)
    assert rollback.pending() is None


@pytest.mark.parametrize("spoilt", ["", "{", "[]", "null", '{"id": "a1"}', "\0" * 300])
def test_a_damaged_marker_still_counts(
    root: Path, rollback: Rollback, runtime: Runtime, spoilt: str
) -> None:
    before = pi.tree(root)
    arm(rollback)
    pi.change(root)
    spoil_marker(rollback, spoilt)
    with pytest.raises(RollbackError, match="an unknown controller changes the network of this Pi"):
        arm(rollback, "b2")
    assert rollback.confirm("a1") == "armed"
    # By the timer.
    assert rollback.undo("no reconnection", "a1")
    assert pi.tree(root) == before
    assert set(rollback.last_undone()["files"]) == CHANGED
    assert runtime.done("restore") == []
    assert runtime.calls[-1] == ("reboot",)
    assert left(rollback) == ["last.json", "rejected"]


def test_a_damaged_marker_does_not_stop_the_boot(root: Path, rollback: Rollback) -> None:
    before = pi.tree(root)
    arm(rollback)
    pi.change(root)
    spoil_marker(rollback, "\0" * 300)
    assert rollback.undo("power", booting=True)
    assert pi.tree(root) == before
    assert not rollback.undo("power", booting=True)


def test_without_a_snapshot_the_change_ends_all_the_same(
    root: Path, rollback: Rollback, runtime: Runtime
) -> None:
    arm(rollback)
    pi.change(root)
    changed = pi.tree(root)
    rollback.snapshot.archive.write_bytes(b"")
    assert rollback.undo("no reconnection")
    assert pi.tree(root) == changed
    assert rollback.last_undone()["reason"].startswith("no reconnection; the saved files cannot be")
    assert len(runtime.done("restore")) == 1
    assert rollback.pending() is None


def test_the_last_five_rejections_are_kept_with_any_clock(
    root: Path, rollback: Rollback, monkeypatch: pytest.MonkeyPatch
) -> None:
    years = (2021, 2022, 2023, 2024, 2025, 2026, 1970)
    for year in years:
        monkeypatch.setattr(time, "strftime", lambda _, now=year: str(now))
        arm(rollback, f"id{year}")
        (root / "etc/hostname").write_text(f"{year}\n")
        rollback.undo("no")
    kept = {path.name.partition("-")[0] for path in rollback.rejected.iterdir()}
    assert kept == {"1970", "2023", "2024", "2025", "2026"}
    assert (Path(rollback.last_undone()["folder"]) / "etc/hostname").read_text() == "1970\n"


def test_without_changed_files_there_is_no_folder_of_rejected_ones(
    rollback: Rollback,
) -> None:
    arm(rollback)
    rollback.undo("no")
    last = rollback.last_undone()
    assert (last["files"], last["folder"]) == ([], "")
    assert left(rollback) == ["last.json"]


def test_unusual_names_are_restored_and_printed(
    root: Path, rollback: Rollback, capsys: pytest.CaptureFixture[str]
) -> None:
    arm(rollback)
    (root / pi.ODD).write_text("x\n")
    assert rollback.undo("no")
    assert r"/etc/wpa_supplicant/caf\udce9" in capsys.readouterr().out
    (name,) = rollback.last_undone()["files"]
    assert json.dumps(name, ensure_ascii=False).encode()
    assert os.fsencode(name) == rb"/etc/wpa_supplicant/caf\udce9 " + b"\n*?[x]"


def test_rejected_files_are_removed_by_a_confirmed_change(root: Path, rollback: Rollback) -> None:
    """They may contain a passphrase that is not used any more."""

    def with_secret() -> list[Path]:
        files = [path for path in root.rglob("*") if path.is_file()]
        return [path for path in files if b"sunflower" in path.read_bytes()]

    arm(rollback)
    (root / pi.PROFILE).write_text("psk=sunflower seeds\n")
    assert rollback.undo("no")
    (rejected,) = with_secret()
    assert rejected.is_relative_to(rollback.rejected)
    arm(rollback, "b2")
    rollback.apply("b2", "true")
    assert rollback.confirm("b2") == "confirmed"
    assert with_secret() == []
