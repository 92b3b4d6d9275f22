"""The files of a bridge are collected, and written to another one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pvs_bridge.backup import contents
from pvs_bridge.backup.contents import CERTIFICATE, VARIABLES, File

MONTH = "var/lib/pvs-bridge-monitor/history/2026-06.jsonl"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The file system of a bridge."""
    files = (
        VARIABLES, CERTIFICATE, MONTH, "etc/ssh/ssh_host_ed25519_key",
        "etc/ssh/ssh_host_ed25519_key.pub", "etc/ssh/sshd_config", "etc/haproxy/haproxy.cfg",
        "var/lib/pvs-bridge-monitor/day.json", "var/lib/pvs-bridge/rollback/pending.json",
    )  # fmt: skip
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(0o600)
    (tmp_path / "etc/ssh/ssh_host_rsa_key").symlink_to("/etc/shadow")
    return tmp_path


def test_only_files_of_the_bridge_are_collected(root: Path) -> None:
    found = contents.collect(root)
    assert set(found) == {
        VARIABLES, CERTIFICATE, MONTH, "etc/ssh/ssh_host_ed25519_key",
        "etc/ssh/ssh_host_ed25519_key.pub",
    }  # fmt: skip
    assert found[CERTIFICATE] == File(CERTIFICATE.encode(), 0o600)


def test_what_is_replaced_is_kept(root: Path) -> None:
    new = {CERTIFICATE: File(b"new", 0o600), "etc/new/file": File(b"new", 0o640)}
    contents.place(contents.differing(new, root), root)
    path = root / CERTIFICATE
    assert path.read_bytes() == b"new"
    kept = path.with_name("self-signed.pem.before-restore~")
    assert kept.read_text() == CERTIFICATE
    assert [each.stat().st_mode & 0o777 for each in (path, kept, root / "etc/new/file")] == [
        0o600, 0o600, 0o640,
    ]  # fmt: skip


def test_the_same_files_are_not_written_again(root: Path) -> None:
    assert contents.differing(contents.collect(root), root) == {}


def test_what_was_kept_is_not_collected(root: Path) -> None:
    before = set(contents.collect(root))
    for name in before:
        contents.place({name: File(b"new", 0o600)}, root)
    assert set(contents.collect(root)) == before


def test_a_new_folder_of_a_service_is_closed(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        contents.place({"private/x/certificate": File(b"", 0o600)}, tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o700
