"""The module pvs_bridge.core.managed_files: all files in place, or nothing changed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from unit.managed_files.running import put


def test_a_new_file_gets_its_text_its_mode_and_its_folders(tmp_path: Path) -> None:
    dest = tmp_path / "etc/program/program.conf"
    result = put({"dest": str(dest), "content": "a = ü\n", "mode": "0600"})
    assert result["changed_files"] == [str(dest)]
    assert dest.read_text(encoding="utf-8") == "a = ü\n"
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600


@pytest.mark.needs_system
def test_a_file_gets_its_group(tmp_path: Path) -> None:
    dest = tmp_path / "secret.conf"
    wanted = {"dest": str(dest), "content": "hash\n", "mode": "0640", "group": "daemon"}
    assert put(wanted)["changed"]
    assert dest.group() == "daemon"
    assert not put(wanted)["changed"]
    os.chown(dest, -1, 0)
    assert put(wanted)["changed"]
    assert dest.group() == "daemon"


def test_a_group_that_does_not_exist_is_named(tmp_path: Path) -> None:
    dest = tmp_path / "file"
    dest.write_text("text\n")
    result = put({"dest": str(dest), "content": "text\n", "group": "nobodies"})
    assert result["failed"]
    assert "nobodies" in result["msg"]


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    wanted = {"dest": str(tmp_path / "503.http"), "content": "HTTP/1.1 503\r\n\r\n{}\n"}
    assert put(wanted)["changed"]
    assert (tmp_path / "503.http").read_bytes() == b"HTTP/1.1 503\r\n\r\n{}\n"
    assert not put(wanted)["changed"]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    files = [
        {"dest": str(tmp_path / "file"), "content": "text\n"},
        {"dest": str(tmp_path / "link"), "state": "link", "src": "file"},
        {"dest": str(tmp_path / "gone*"), "state": "absent"},
    ]
    assert put(*files)["changed"]
    assert not put(*files)["changed"]


@pytest.mark.parametrize("spoil", ["text", "mode"])
def test_a_changed_file_is_restored(tmp_path: Path, spoil: str) -> None:
    dest = tmp_path / "file"
    wanted = {"dest": str(dest), "content": "text\n", "mode": "0640"}
    put(wanted)
    if spoil == "text":
        dest.write_text("other\n")
    else:
        dest.chmod(0o666)
    assert put(wanted)["changed"]
    assert (dest.read_text(), stat.S_IMODE(dest.stat().st_mode)) == ("text\n", 0o640)


def test_check_mode_says_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    dest = tmp_path / "folder/file"
    result = put({"dest": str(dest), "content": "text\n"}, check=True)
    assert result["changed"]
    assert result["diff"][0]["after"] == "text\n"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_its_checker_refuses_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("old\n")
    result = put(
        {"dest": str(first), "content": "new\n"},
        {"dest": str(second), "content": "bad\n", "validate": "grep -q good %s"},
    )
    assert result["failed"]
    assert f"{second} was refused by grep" in result["msg"]
    assert first.read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first"]


def test_the_checker_sees_the_new_text(tmp_path: Path) -> None:
    dest = tmp_path / "file"
    dest.write_text("bad\n")
    put({"dest": str(dest), "content": "good\n", "validate": "grep -q good %s"})
    assert dest.read_text() == "good\n"


def test_a_replaced_file_is_kept_where_a_backup_is_asked_for(tmp_path: Path) -> None:
    dest = tmp_path / "file"
    dest.write_text("mine\n")
    dest.chmod(0o640)
    for content in ("# Ansible managed\nold secret\n", "# Ansible managed\nnew\n", "edited\n"):
        put({"dest": str(dest), "content": content, "backup": True})
    (kept,) = [path for path in tmp_path.iterdir() if path != dest]
    assert (kept.name, kept.read_text()) == ("file.before-pvs-bridge~", "mine\n")
    assert kept.stat().st_mode & 0o777 == 0o640


def test_a_file_of_which_a_part_is_changed_is_kept_as_it_was(tmp_path: Path) -> None:
    dest = tmp_path / "file"
    dest.write_text("mine\n")
    for secret in ("old", "new"):
        block = {"dest": str(dest), "state": "block", "marker": "pvs-bridge: x", "backup": True}
        put({**block, "content": secret})
    assert (tmp_path / "file.before-pvs-bridge~").read_text() == "mine\n"
    assert not any("old" in path.read_text() for path in tmp_path.iterdir())


def test_backups_of_older_versions_go_if_they_are_of_own_files(tmp_path: Path) -> None:
    dest = tmp_path / "file"
    dest.write_text("# Ansible managed\nnew\n")
    names = [f"file.{number}.2026-01-0{number}@10:00:00~" for number in (1, 2, 3)]
    texts = ("mine\n", "# Ansible managed\nold secret\n", "a\n# BEGIN pvs-bridge: x\nold\n")
    for name, text in zip(names, texts, strict=True):
        (tmp_path / name).write_text(text)
    entry = {"dest": str(dest), "content": "# Ansible managed\nnew\n", "backup": True}
    assert put(entry)["changed"]
    assert {path.name for path in tmp_path.iterdir()} == {"file", names[0]}
    assert not put(entry)["changed"]


def test_a_pattern_removes_what_fits_but_what_is_to_stay(tmp_path: Path) -> None:
    for name in ("part-0", "part-1", "other"):
        (tmp_path / name).write_text(name)
    keep = [str(tmp_path / "part-0")]
    put({"dest": str(tmp_path / "part-*"), "state": "absent", "keep": keep})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "part-0"]


def test_a_file_becomes_a_link_and_a_link_a_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    other.write_text("other\n")
    put({"dest": str(one), "content": "one\n"})
    put({"dest": str(one), "state": "link", "src": "other"})
    assert one.readlink() == Path("other")
    put({"dest": str(one), "content": "one\n"})
    assert not one.is_symlink()
    assert other.read_text() == "other\n"


def test_the_text_is_not_shown_where_it_is_not_to_be(tmp_path: Path) -> None:
    dest = tmp_path / "file"
    dest.write_text("old-secret\n")
    result = put({"dest": str(dest), "content": "new-secret\n", "show_difference": False})
    assert result["changed"]
    assert "secret" not in json.dumps(result["diff"])


def test_under_a_locked_root_nothing_is_changed_and_that_is_told(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n")
    dest = tmp_path / "file"
    wanted = {"dest": str(dest), "content": "text\n"}
    result = put(wanted, mounts=mounts)
    assert (result["changed"], result["locked"]) == (True, True)
    assert not dest.exists()
    # Check mode only says what would change, and no restart is in its way.
    assert not put(wanted, mounts=mounts, check=True)["locked"]
    dest.write_text("text\n")
    result = put(wanted, mounts=mounts)
    assert (result["changed"], result["locked"]) == (False, False)
