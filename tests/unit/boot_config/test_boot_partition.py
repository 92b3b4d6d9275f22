"""Files edited on any computer, and power cuts while the Pi writes its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pvs_bridge import atomic
from pvs_bridge.boot_config.boot_partition import LARGEST_BYTES, BootPartition
from pvs_bridge.boot_config.store import Store
from pvs_bridge.boot_config.text_file import UnreadableError


@pytest.mark.parametrize("name", ["pvs-bridge.yml", "PVS-BRIDGE.YML", "pvs-bridge.yml.txt"])
def test_a_file_is_found_in_any_spelling(partition: BootPartition, name: str) -> None:
    (partition.folder / name).write_text("a: 1\n")
    found = partition.read("pvs-bridge.yml")
    assert found is not None
    assert (found.name, found.text) == (name, "a: 1\n")


def test_the_exact_spelling_wins(partition: BootPartition) -> None:
    for name in ("pvs-bridge.yml.txt", "pvs-bridge.yml", "pvs-bridge.example.yml"):
        (partition.folder / name).write_text(name)
    found = partition.read("pvs-bridge.yml")
    assert found is not None
    assert found.text == "pvs-bridge.yml"


def test_similar_names_of_other_files_are_not_meant(partition: BootPartition) -> None:
    for name in ("pvs-bridge-report.txt", "pvs-bridge.rejected.yml", "._pvs-bridge.yml"):
        (partition.folder / name).write_text("a: 1\n")
    assert partition.read("pvs-bridge.yml") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_each_encoding_of_the_windows_editor_is_read(
    partition: BootPartition, encoding: str
) -> None:
    (partition.folder / "a").write_bytes("ssid: é\r\n".encode(encoding))
    found = partition.read("a")
    assert found is not None
    assert found.text == "ssid: é\r\n"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"ok\nssid: \xe9\x81\n", "a: must be text, got bytes that are not. Hint: "),
        (b"ok\0\0\0ok", "a: must be text, got bytes that are not. Hint: "),
        (b"%PDF-1.7\n", "a: must be plain text, got a document"),
        (b"x" * (LARGEST_BYTES + 1), "a: must be at most 256 KiB"),
    ],
)
def test_a_file_that_is_not_text_is_reported(
    partition: BootPartition, data: bytes, problem: str
) -> None:
    (partition.folder / "a").write_bytes(data)
    with pytest.raises(UnreadableError, match=problem):
        partition.read("a")


def test_a_missing_partition_has_no_files(tmp_path: Path) -> None:
    assert BootPartition(tmp_path / "none").read("a") is None


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    (tmp_path / f"a{atomic.NEW}").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        atomic.write(file, b"new")
    assert file.read_text() == "old"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({f"a{atomic.NEW}": "incomplete"}, {}),
        ({"a": "old", f"a{atomic.NEW}": "incomplete"}, {"a": "old"}),
        # What fsck leaves if the power was cut during the rename.
        ({"a": "new", f"a{atomic.NEW}": ""}, {"a": "new"}),
        ({"a": "", f"a{atomic.NEW}": "new"}, {"a": "new"}),
    ],
)
def test_a_write_that_a_power_cut_has_interrupted_is_completed_or_undone(
    tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    for name, text in before.items():
        (tmp_path / name).write_text(text)
    BootPartition(tmp_path).recover()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == after


def test_a_file_is_written_to_the_disk_under_its_new_name_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda handle: written.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
    )
    atomic.write(tmp_path / "a", b"new")
    # tests/nightly/image/test_boot_partition.py shows what vfat does without the second one.
    assert written == [f"{tmp_path}/a{atomic.NEW}", f"{tmp_path}/a", str(tmp_path)]


def test_stored_files_are_private_and_not_rewritten_unchanged(store: Store) -> None:
    store.write("a", {"b": [1, "é"]})
    file = store.folder / "a.json"
    assert (file.stat().st_mode & 0o777, store.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    before = file.stat().st_ino
    store.write("a", {"b": [1, "é"]})
    assert file.stat().st_ino == before
    assert store.read("a") == {"b": [1, "é"]}
    file.write_bytes(os.urandom(9))
    assert store.read("a") is None
    store.remove("a")
    store.remove("a")
    assert not file.exists()
