"""A root file system in a folder: unpacked, tidied, looked through, packed the same each time."""

from __future__ import annotations

import os
import shutil
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from pvs_image.elf import ELF_HEAD_BYTES, is_foreign
from pvs_image.errors import ImageError
from pvs_image.log import Log

# What a card does not have when it leaves the builder: what was said and kept while it was made,
# and what belongs to one Pi alone.
_NOT_ON_A_CARD = (
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
# apt gives them to its own user where it can, which depends on the folder that it is built in; it
# does so again when it needs them.
_OF_APT = ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial")
# Packages own folders there, which they expect.
_FOLDERS_THAT_STAY = ("var/lib/apt/lists/", "var/log/")
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
        hint="remove it, for it to be made again",
    )  # fmt: skip


def pack(root: Path, archive: Path, epoch: int, log: Log) -> None:
    """Pack a root file system, in one order and with nothing later than the card's own time.

    Args:
        root: the folder.
        archive: the tar to make.
        epoch: the card's time, in seconds.
        log: of the stage.

    Raises:
        ImageError: it cannot be packed.
    """
    kernels_own = [f"--exclude=./{each}/*" for each in ("dev", "proc", "run", "sys", "tmp")]
    log.run(
        ["tar", "--create", "--file", str(archive), "--directory", str(root), "--sort=name",
         "--numeric-owner", "--xattrs", "--xattrs-include=*", "--xattrs-exclude=trusted.*",
         "--format=posix", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
         f"--mtime=@{epoch}", "--clamp-mtime", "--anchored", *kernels_own, "."],
        hint="see whether the disk is full",
    )  # fmt: skip


def tidy(root: Path, epoch: int) -> None:
    """Remove what a card does not have, and everything that tells when or where it was made.

    Args:
        root: the folder.
        epoch: the card's time, in seconds.
    """
    for pattern in _NOT_ON_A_CARD:
        for path in root.glob(pattern):
            _remove(path, keep_folders=pattern.startswith(_FOLDERS_THAT_STAY))
    for name in _OF_APT:
        if (root / name).is_dir():
            os.chown(root / name, 0, 0)
    # Empty, not "uninitialized": then systemd would enable whatever Debian enables by default, such
    # as networkd, for which the boot waits two minutes, and what the roles have disabled.
    (root / "etc/machine-id").write_text("")
    _set_password_days(root / "etc/shadow", epoch)
    _settle_times(root, epoch)


def refuse_foreign_programs(root: Path) -> None:
    """Make sure that every program and library is for the Pi, and none of the builder's.

    Raises:
        ImageError: one is not.
    """
    for path in _files(root):
        # What runs on the Pi's other processor, and on chips that it drives, is ELF at times.
        if path.suffix in {".elf", ".bin"} or "firmware" in path.relative_to(root).parts:
            continue
        with path.open("rb") as file:
            head = file.read(ELF_HEAD_BYTES)
        if is_foreign(head):
            raise ImageError(
                f"/{path.relative_to(root)} is not for arm64",
                "report this: the builder's own programs must not get onto a card",
            )


def refuse_secrets(root: Path) -> None:
    """Make sure that a card has no password and no key that all cards would share.

    Raises:
        ImageError: it has one.
    """
    for line in (root / "etc/shadow").read_text().splitlines():
        user, password = line.split(":")[:2]
        if password not in {"*", "!", "!*"}:
            raise ImageError(f"/etc/shadow: {user} has a password", "lock it: passwd --lock")
    for key in root.glob("etc/ssh/ssh_host_*"):
        raise ImageError(f"/{key.relative_to(root)} would be on each card", "remove it")


def _set_password_days(shadow: Path, epoch: int) -> None:
    """Write the card's day for the one on which each account was made."""
    day = epoch // 86400
    lines = [line.split(":") for line in shadow.read_text().splitlines()]
    shadow.write_text("".join(":".join([*each[:2], str(day), *each[3:]]) + "\n" for each in lines))


def _settle_times(root: Path, epoch: int) -> None:
    """Let nothing be later than the card, and compiled Python know its source's time."""
    for path in _files(root):
        if path.suffix == ".pyc" and path.parent.name == "__pycache__":
            source = path.parent.parent / f"{path.name.split('.')[0]}.py"
            _settle_pyc(path, source, epoch)


def _settle_pyc(compiled: Path, source: Path, epoch: int) -> None:
    """Python compiles again, at each start, what was compiled from a source of another time."""
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
    """Walk through all regular files."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def _remove(path: Path, *, keep_folders: bool) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    elif keep_folders:
        for each in path.rglob("*"):
            if not each.is_dir():
                each.unlink()
    else:
        shutil.rmtree(path)
