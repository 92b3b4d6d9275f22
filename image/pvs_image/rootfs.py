"""Unpack, clean up, check, and reproducibly pack a root file system."""

from __future__ import annotations

import os
import shutil
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from pvs_image.build_log import Log
from pvs_image.elf import ELF_HEAD_BYTES, is_foreign
from pvs_image.errors import ImageError

# Removed from every image: logs and caches of the build, and files that must be unique per Pi.
_REMOVED = (
    "etc/.pwd.lock",
    "etc/*-",
    "etc/**/*~",
    "etc/ssh/ssh_host_*",
    "etc/resolv.conf",
    "root/.ansible",
    "var/cache/apt/*.bin",
    "var/cache/apt/archives/*.deb",
    "var/cache/debconf/*-old",
    "var/cache/ldconfig/aux-cache",
    "var/lib/apt/lists/*",
    "var/lib/cloud",
    "var/lib/dbus/machine-id",
    "var/lib/dpkg/*-old",
    "var/lib/systemd/random-seed",
    "var/log/*",
    "var/tmp/*",
)
# apt changes their owner to its own user if it can, which depends on the build folder. It does so
# again on the Pi.
_APT_FOLDERS = ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial")
# Packages expect their folders below these.
_KEEP_FOLDERS_BELOW = ("var/lib/apt/lists/", "var/log/")
_PYC_HEADER = struct.Struct("<4sIII")


def unpack(archive: Path, root: Path, log: Log) -> None:
    """Unpack a root file system.

    Raises:
        ImageError: it cannot be unpacked.
    """
    root.mkdir(parents=True)
    log.run(
        ["tar", "--extract", "--file", str(archive), "--directory", str(root), "--numeric-owner",
         "--same-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*"],
        hint="delete this tar, so that the next build makes it again",
    )  # fmt: skip


def pack(root: Path, archive: Path, epoch: int, log: Log) -> None:
    """Pack a root file system in sorted order, with times of at most the build date.

    Args:
        root: the root file system.
        archive: the tar to make.
        epoch: the build date, in seconds since 1970.
        log: the log of the stage.

    Raises:
        ImageError: it cannot be packed.
    """
    excluded = [f"--exclude=./{folder}/*" for folder in ("dev", "proc", "run", "sys", "tmp")]
    log.run(
        ["tar", "--create", "--file", str(archive), "--directory", str(root), "--sort=name",
         "--numeric-owner", "--xattrs", "--xattrs-include=*", "--xattrs-exclude=trusted.*",
         "--format=posix", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
         f"--mtime=@{epoch}", "--clamp-mtime", "--anchored", *excluded, "."],
        hint="check whether the disk is full",
    )  # fmt: skip


def tidy(root: Path, epoch: int) -> None:
    """Remove files of the build, and everything that depends on when and where it ran.

    Args:
        root: the root file system.
        epoch: the build date, in seconds since 1970.
    """
    for pattern in _REMOVED:
        for path in root.glob(pattern):
            _remove(path, keep_folders=pattern.startswith(_KEEP_FOLDERS_BELOW))
    for name in _APT_FOLDERS:
        if (root / name).is_dir():
            os.chown(root / name, 0, 0)
    # Empty instead of "uninitialized", because that would make systemd apply Debian's presets: it
    # would enable networkd, for which the boot waits two minutes, and services disabled by roles.
    (root / "etc/machine-id").write_text("")
    _set_password_days(root / "etc/shadow", epoch)
    _clamp_pyc_times(root, epoch)


def refuse_foreign_programs(root: Path) -> None:
    """Check that every program and library is for arm64.

    Raises:
        ImageError: one is for another processor.
    """
    for path in _files(root):
        # Firmware for the VideoCore and for other chips can be ELF too.
        if path.suffix in {".elf", ".bin"} or "firmware" in path.relative_to(root).parts:
            continue
        with path.open("rb") as file:
            head = file.read(ELF_HEAD_BYTES)
        if is_foreign(head):
            raise ImageError(
                f"/{path.relative_to(root)} is not for arm64",
                "report this error: a program of the build machine got onto the card",
            )


def refuse_secrets(root: Path) -> None:
    """Check that the image has no password and no SSH host key, which all cards would share.

    Raises:
        ImageError: it has one.
    """
    for line in (root / "etc/shadow").read_text().splitlines():
        user, password = line.split(":")[:2]
        if password not in {"*", "!", "!*"}:
            raise ImageError(f"/etc/shadow: {user} has a password", "lock it: passwd --lock")
    for key in root.glob("etc/ssh/ssh_host_*"):
        raise ImageError(f"all cards would share /{key.relative_to(root)}", "remove it")


def _set_password_days(shadow: Path, epoch: int) -> None:
    """Set the day of each account's last password change to the build date."""
    day = epoch // 86400
    rows = [line.split(":") for line in shadow.read_text().splitlines()]
    shadow.write_text("".join(":".join([*row[:2], str(day), *row[3:]]) + "\n" for row in rows))


def _clamp_pyc_times(root: Path, epoch: int) -> None:
    """Adjust the source times in .pyc files to the times that :func:`pack` stores."""
    for path in _files(root):
        if path.suffix == ".pyc" and path.parent.name == "__pycache__":
            source = path.parent.parent / f"{path.name.split('.')[0]}.py"
            _clamp_pyc_time(path, source, epoch)


def _clamp_pyc_time(compiled: Path, source: Path, epoch: int) -> None:
    """Adjust one file, because Python ignores a .pyc with another time than its source has."""
    with compiled.open("r+b") as file:
        head = file.read(_PYC_HEADER.size)
        if len(head) < _PYC_HEADER.size or not source.is_file():
            return
        magic, flags, _, size = _PYC_HEADER.unpack(head)
        if flags == 0:
            seconds = min(int(source.stat().st_mtime), epoch)
            file.seek(0)
            file.write(_PYC_HEADER.pack(magic, flags, seconds, size))


def _files(root: Path) -> Iterator[Path]:
    """Yield all regular files."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def _remove(path: Path, *, keep_folders: bool) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    elif keep_folders:
        for file in path.rglob("*"):
            if not file.is_dir():
                file.unlink()
    else:
        shutil.rmtree(path)
