"""The root file system: files of the build are removed, and packing is reproducible."""

from __future__ import annotations

import io
import os
import py_compile
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pvs_image import rootfs
from pvs_image.build_log import Log
from pvs_image.errors import ImageError

EPOCH = 1_700_000_000
LATER = EPOCH + 1_000_000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with (tmp_path / "log").open("w") as output:
        yield Log("test", output, lambda _: None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "etc/ssh").mkdir(parents=True)
    (root / "etc/shadow").write_text("root:*:20000:0:99999:7:::\nsshd:!:19000::::::\n")
    return root


def put(root: Path, name: str, text: str = "text") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "etc/ssh/ssh_host_ed25519_key",
        "etc/passwd-",
        "etc/haproxy/haproxy.cfg.11467.2026-11-27@21:08:24~",
        "root/.ansible/tmp/x",
        "var/cache/ldconfig/aux-cache",
        "var/lib/apt/lists/deb.debian.org_debian_dists_trixie_InRelease",
        "var/lib/dbus/machine-id",
        "var/log/dpkg.log",
        "var/log/apt/history.log",
    ],
)
def test_files_of_the_build_are_removed(root: Path, name: str) -> None:
    path = put(root, name)
    rootfs.tidy(root, EPOCH)
    assert not path.exists()


def test_log_folders_are_kept(root: Path) -> None:
    path = put(root, "var/log/apt/history.log")
    rootfs.tidy(root, EPOCH)
    assert path.parent.is_dir()


def test_the_machine_id_is_empty_so_each_pi_makes_its_own(root: Path) -> None:
    put(root, "etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    rootfs.tidy(root, EPOCH)
    assert (root / "etc/machine-id").read_text() == ""


def test_password_days_are_the_build_date(root: Path) -> None:
    rootfs.tidy(root, EPOCH)
    days = {line.split(":")[2] for line in (root / "etc/shadow").read_text().splitlines()}
    assert days == {str(EPOCH // 86400)}


def test_a_password_is_refused_and_its_user_named(root: Path) -> None:
    put(root, "etc/shadow", "root:*:1::::::\npi:$y$j9T$abc:1::::::\n")
    with pytest.raises(ImageError, match="pi has a password"):
        rootfs.refuse_secrets(root)


def test_a_host_key_is_refused(root: Path) -> None:
    put(root, "etc/ssh/ssh_host_rsa_key")
    with pytest.raises(ImageError, match="all cards would share /etc/ssh/ssh_host_rsa_key"):
        rootfs.refuse_secrets(root)


def test_a_foreign_program_is_refused_and_its_path_named(root: Path) -> None:
    (root / "usr/bin").mkdir(parents=True)
    shutil.copy("/bin/true", root / "usr/bin/true")
    with pytest.raises(ImageError, match="/usr/bin/true is not for arm64"):
        rootfs.refuse_foreign_programs(root)


def test_firmware_for_other_processors_is_accepted(root: Path) -> None:
    (root / "boot/firmware").mkdir(parents=True)
    shutil.copy("/bin/true", root / "boot/firmware/start.elf")
    rootfs.refuse_foreign_programs(root)


def test_pyc_files_match_the_packed_times_of_their_sources(root: Path) -> None:
    source = put(root, "usr/lib/python3/dist-packages/some.py", "VALUE = 1\n")
    os.utime(source, (LATER, LATER))
    compiled = Path(py_compile.compile(str(source), doraise=True) or "")
    rootfs.tidy(root, EPOCH)
    os.utime(source, (EPOCH, EPOCH))  # as it comes out of the tar
    before = compiled.read_bytes()
    subprocess.run(
        [sys.executable, "-c", "import some"],
        env={"PYTHONPATH": str(source.parent)}, check=True,
    )  # fmt: skip
    assert compiled.read_bytes() == before


def test_the_same_content_gives_the_same_tar(tmp_path: Path, log: Log) -> None:
    packed = []
    for place, names, seconds in (("one", "abc", LATER), ("two", "cab", LATER + 77)):
        root = tmp_path / place
        (root / "dev").mkdir(parents=True)
        (root / "dev/null").touch()
        for name in names:
            os.utime(put(root, f"folder/{name}"), (seconds, seconds))
        os.link(root / "folder/a", root / "folder/same")
        rootfs.pack(root, tmp_path / f"{place}.tar", EPOCH, log)
        packed.append((tmp_path / f"{place}.tar").read_bytes())
    assert packed[0] == packed[1]
    with tarfile.open(fileobj=io.BytesIO(packed[0])) as archive:
        assert "./dev/null" not in archive.getnames()
        assert {each.mtime for each in archive} == {EPOCH}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give capabilities")
def test_owners_and_capabilities_are_preserved(tmp_path: Path, root: Path, log: Log) -> None:
    ping = put(root, "usr/bin/ping")
    os.chown(ping, 12, 34)
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    os.setxattr(ping, "security.capability", capability)
    rootfs.pack(root, tmp_path / "packed.tar", EPOCH, log)
    rootfs.unpack(tmp_path / "packed.tar", tmp_path / "again", log)
    again = tmp_path / "again/usr/bin/ping"
    assert (again.stat().st_uid, again.stat().st_gid) == (12, 34)
    assert os.getxattr(again, "security.capability") == capability
