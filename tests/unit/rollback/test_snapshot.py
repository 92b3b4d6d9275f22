"""Changed files are restored, and unchanged ones are not touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.rollback import pi

from pvs_bridge.rollback.snapshot import Snapshot, SnapshotError

pytestmark = pytest.mark.needs_system


def _folder_to_link(root: Path) -> None:
    """Replace a folder by a link to one that is not watched, with the same names."""
    shutil.copytree(root / "etc/ssh", root / "home/ssh")
    (root / "home/ssh/sshd_config").write_text("a user's own\n")
    shutil.rmtree(root / "etc/ssh")
    (root / "etc/ssh").symlink_to(root / "home/ssh")


def _folder_to_file(root: Path) -> None:
    shutil.rmtree(root / "etc/ssh")
    (root / "etc/ssh").write_text("file\n")


def _file_to_folder(root: Path) -> None:
    (root / pi.PROFILE).unlink()
    (root / pi.PROFILE / "inner").mkdir(parents=True)
    (root / pi.PROFILE / "inner/file").write_text("new\n")


def _file_to_link(root: Path) -> None:
    (root / "home/hosts").write_text("a user's own\n")
    (root / "etc/hosts").unlink()
    (root / "etc/hosts").symlink_to(root / "home/hosts")


def _link_to_file(root: Path) -> None:
    (root / pi.WANTS).unlink()
    (root / pi.WANTS).write_text("file\n")


def _link_elsewhere(root: Path) -> None:
    (root / pi.WANTS).unlink()
    (root / pi.WANTS).symlink_to("/dev/null")


def _new_folder(root: Path) -> None:
    (root / "etc/systemd/new/inner").mkdir(parents=True)
    (root / "etc/systemd/new/inner/file").write_text("new\n")


def _new_link_to_a_folder(root: Path) -> None:
    (root / "home/file").write_text("a user's own\n")
    (root / "etc/systemd/new").symlink_to(root / "home")


def _odd_new_file(root: Path) -> None:
    (root / f"{pi.ODD} too").write_text("new\n")


Spoil = Callable[[Path], object]
SPOILS: dict[str, Spoil] = {
    "another text": lambda root: (root / pi.PROFILE).write_text("ssid=other\n"),
    "a file that is gone": lambda root: (root / pi.PROFILE).unlink(),
    "a file that is empty": lambda root: (root / "etc/hosts").write_text(""),
    "an empty file with a text": lambda root: (root / "etc/default/nothing").write_text("a\n"),
    "another mode": lambda root: (root / pi.PROFILE).chmod(0o644),
    "another owner": lambda root: os.chown(root / "etc/dhcpcd.conf", 1, 2),
    "a set bit that is gone": lambda root: (root / "etc/wpa_supplicant/one").chmod(0o750),
    "a text behind two names": lambda root: (root / "etc/wpa_supplicant/two").write_text("x\n"),
    "an odd name's text": lambda root: (root / pi.ODD).write_text("x\n"),
    "an odd name that is new": _odd_new_file,
    "the longest name's text": lambda root: (root / pi.LONGEST).write_text("x\n"),
    "a link elsewhere": _link_elsewhere,
    "a link that is gone": lambda root: (root / "etc/sysctl.d/99-sysctl.conf").unlink(),
    "a link that is a file": _link_to_file,
    "a link's owner": lambda root: os.chown(root / pi.WANTS, 1, 2, follow_symlinks=False),
    "a file that is a link": _file_to_link,
    "a file that is a folder": _file_to_folder,
    "a folder that is a file": _folder_to_file,
    "a folder that is a link": _folder_to_link,
    "a folder's mode": lambda root: (root / "etc/network/interfaces.d").chmod(0o777),
    "a folder's owner": lambda root: os.chown(root / "etc/network/interfaces.d", 0, 0),
    "an empty folder that is gone": lambda root: (root / "etc/network/interfaces.d").rmdir(),
    "a full folder that is gone": lambda root: shutil.rmtree(root / "etc/NetworkManager"),
    "a new file": lambda root: (root / "etc/systemd/new").write_text("new\n"),
    "a new file that is watched by itself": lambda root: (root / "etc/nftables.conf").touch(),
    "a new folder": _new_folder,
    "a new link to a folder": _new_link_to_a_folder,
    "a file's unfinished successor": lambda root: (root / "etc/.pvs-bridge-a.new").touch(),
    "a copy that was kept beside": lambda root: (root / "etc/dhcpcd.conf.1~").touch(),
    "everything": pi.change,
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_changes_are_restored_and_nothing_else_is_touched(
    root: Path, snapshot: Snapshot, tmp_path: Path, spoil: Spoil
) -> None:
    before = pi.tree(root)
    kept = {path: (root / path).lstat() for path in before}
    spoil(root)
    outside = {path: entry for path, entry in pi.tree(root).items() if path.startswith("home")}
    differences = snapshot.differences()
    assert differences
    snapshot.restore(differences, tmp_path / "rejected")
    assert pi.tree(root) == {**before, **outside}
    assert snapshot.differences() == {}
    for path in set(before) - set(differences):
        now = (root / path).lstat()
        if before[path][0] != "folder":
            assert (now.st_ino, now.st_mtime_ns) == (kept[path].st_ino, kept[path].st_mtime_ns)


def test_unchanged_and_unwatched_files_are_not_listed(root: Path, snapshot: Snapshot) -> None:
    (root / "etc/passwd").write_text("not watched\n")
    os.utime(root / "etc/hosts", (0, 0))
    assert snapshot.differences() == {}


def test_special_files_are_ignored(root: Path, tmp_path: Path) -> None:
    os.mkfifo(root / "etc/NetworkManager/old")
    snapshot = Snapshot(tmp_path / "snapshot.tar", root)
    snapshot.take()
    os.mkfifo(root / "etc/NetworkManager/new")
    assert snapshot.differences() == {}
    assert (root / "etc/NetworkManager/old").is_fifo()


def test_a_watched_folder_that_is_a_link_is_saved_as_a_link(root: Path, tmp_path: Path) -> None:
    (root / "etc/NetworkManager").rename(root / "home/NetworkManager")
    (root / "etc/NetworkManager").symlink_to("../home/NetworkManager")
    snapshot = Snapshot(tmp_path / "snapshot.tar", root)
    snapshot.take()
    assert snapshot.differences() == {}


def test_rejected_files_are_copied(root: Path, snapshot: Snapshot, tmp_path: Path) -> None:
    pi.change(root)
    rejected = tmp_path / "rejected"
    snapshot.restore(snapshot.differences(), rejected)
    found = {path: (kind, content) for path, (kind, _, _, content) in pi.tree(rejected).items()}
    assert {path: entry for path, entry in found.items() if entry[0] != "folder"} == {
        "etc/.pvs-bridge-x.new": ("file", b"half\n"),
        "etc/NetworkManager/system-connections/new.nmconnection": ("file", b"ssid=new\n"),
        "etc/dhcpcd.conf.1.2026-11-23@01:00:00~": ("file", b"interface eth0\n"),
        "etc/hostname": ("file", b"shed\n"),
        "etc/hosts": ("file", b"127.0.0.1 localhost\n"),
        "etc/netplan": ("file", b"a file where a folder was\n"),
        "etc/ssh/sshd_config/part": ("file", b"a folder where a file was\n"),
        pi.WANTS: ("link", b"/dev/null"),
    }


def test_only_root_can_read_the_archive(root: Path, snapshot: Snapshot) -> None:
    assert snapshot.archive.stat().st_mode & 0o777 == 0o600
    assert (root / "var/lib/kept").stat().st_mode & 0o777 == 0o700


def test_a_missing_or_damaged_archive_has_its_own_error(
    snapshot: Snapshot,
) -> None:
    whole = snapshot.archive.read_bytes()
    for spoilt in (b"", whole[:700], b"x" * len(whole)):
        snapshot.archive.write_bytes(spoilt)
        with pytest.raises(SnapshotError, match=str(snapshot.archive)):
            snapshot.differences()
    snapshot.archive.unlink()
    with pytest.raises(SnapshotError, match=str(snapshot.archive)):
        snapshot.differences()
