"""Raspberry Pi OS as a base: an official image, read into a root file system and its layout.

Nothing is changed within that image. Its root file system is read through fuse2fs, within a mount
namespace of its own, into a tar: owners, hard links, extended attributes and capabilities come
along, which debugfs's own copying loses, and no loop device is needed. From there it goes the way
of a root file system that was built from packages, and becomes a card under the names that it had:
its cmdline.txt and fstab call the partitions by PARTUUID.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import struct
import tempfile
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

from pvs_image import hard_links
from pvs_image.compress import unpack
from pvs_image.errors import ImageError
from pvs_image.fat import read_tree
from pvs_image.layout import SECTOR_BYTES, Layout, aligned
from pvs_image.mapped import partitions_of
from pvs_image.mbr import Partition
from pvs_image.paths import cache_dir
from pvs_image.programs import run
from pvs_image.recipe import RELEASE

_SHA256 = re.compile(r"[0-9a-f]{64}")
_READ_BYTES = 1024 * 1024
_PATIENCE_SECONDS = 60
_XZ = b"\xfd7zXZ\x00"
_SUPERBLOCK_AT = 1024
_EXT_MAGIC = 0xEF53

# In a PID namespace, so that fuse2fs ends with the script, however that ends.
_MOUNTED = """
set -eu
mount=$3
fuse2fs -f -o ro,norecovery,offset="$2" "$1" "$mount" >&2 &
until mountpoint -q "$mount"; do kill -0 $! || exit 1; sleep 0.1; done
shift 3
"$@"
umount "$mount"
"""
_READ_ROOT = """
set -eu
test -d "$1/boot/firmware"
grep --quiet "^VERSION_CODENAME=$4" "$1/etc/os-release"
touch --reference="$1/boot/firmware" "$2/boot/firmware"
tar --create --file "$3" --sort=name --format=posix --numeric-owner \
    --pax-option=delete=atime,delete=ctime --xattrs '--xattrs-include=*' \
    --anchored --exclude=./lost+found --exclude=./boot/firmware '--exclude=./dev/*' \
    --no-wildcards --exclude-from="$5" --directory "$1" .
tar --append --file "$3" --sort=name --format=posix --owner=0 --group=0 --numeric-owner \
    --pax-option=delete=atime,delete=ctime --mode=u=rwX,go=rX --directory "$2" ./boot/firmware
"""


def fetch(source: str, sha256: str, report: Callable[[str], None] = print) -> Path:
    """Return an official image, verified and unpacked, from the cache where it is there already.

    Args:
        source: a path or a URL; an .img or an .img.xz.
        sha256: of that file, as its publisher states it.
        report: gets lines for the person who waits.

    Raises:
        ImageError: it cannot be had, is another file than it should be, or no card for a Pi.
    """
    if not source:
        raise ImageError(
            "BASE_IMAGE is missing: the base raspios starts from an official image",
            "download Raspberry Pi OS Lite (64-bit), and name the file or its URL",
        )
    sha256 = sha256.lower()
    if not _SHA256.fullmatch(sha256):
        raise ImageError(
            f"BASE_SHA256={sha256} is no sha256: 64 hexadecimal digits",
            "copy it from the page that the image is from",
        )
    folder = cache_dir() / "raspios"
    card = folder / f"{sha256}.img"
    if card.exists():
        return card
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as scratch:
        file = Path(scratch) / "download"
        if re.match(r"[a-z]+://", source):
            report(f"downloading {source}")
            found = _download(source, file)
        else:
            file = Path(source)
            found = _digest(file)
        if found != sha256:
            raise ImageError(
                f"BASE_IMAGE={source} has another sha256 than BASE_SHA256: {found}",
                "it is damaged, or another version: download it again, or correct BASE_SHA256",
            )
        image = Path(scratch) / "card.img"
        with file.open("rb") as opened:
            packed = opened.read(len(_XZ)) == _XZ
        if packed:
            report("unpacking it")
            unpack(file, image)
        else:
            # A copy that shares its blocks where the file system can.
            run("cp", "--reflink=auto", "--sparse=always", file, image)
        read_layout(image)
        image.rename(card)
    return card


def read_layout(image: Path) -> Layout:
    """Return where the partitions of an image are, and how they are called.

    Args:
        image: unpacked.

    Raises:
        ImageError: it is no card for a Pi.
    """
    disk_id, boot, root = partitions_of(image)
    with image.open("rb") as file:
        file.seek(boot.start_bytes)
        head = file.read(SECTOR_BYTES)
        file.seek(root.start_bytes + _SUPERBLOCK_AT)
        superblock = file.read(SECTOR_BYTES)
    (magic,) = struct.unpack_from("<H", superblock, 0x38)
    for number, is_there, kind in (
        (1, head[82:90] == b"FAT32   ", "FAT32"),
        (2, magic == _EXT_MAGIC, "ext4"),
    ):
        if not is_there:
            raise ImageError(
                f"{image} has no {kind} in its partition {number}, as Raspberry Pi OS has",
                "give the image of Raspberry Pi OS Lite (64-bit)",
            )
    if root.start_bytes != aligned(boot.start_bytes + boot.size_bytes):
        raise ImageError(
            f"{image} has its root partition elsewhere than right behind the first one",
            "give the image of Raspberry Pi OS Lite (64-bit)",
        )
    (serial,) = struct.unpack_from("<I", head, 67)
    return Layout(
        disk_id=disk_id,
        boot_serial=serial,
        root_uuid=uuid.UUID(bytes=superblock[0x68:0x78]),
        boot_label=head[71:82].decode("ascii", "replace").strip(),
        root_label=superblock[0x78:0x88].rstrip(b"\0").decode("ascii", "replace"),
        boot_start_bytes=boot.start_bytes,
        boot_bytes=boot.size_bytes,
    )


def read_rootfs(image: Path, rootfs_tar: Path) -> None:
    """Write everything that an image has into a tar, its boot partition at /boot/firmware.

    Args:
        image: unpacked.
        rootfs_tar: the tar.

    Raises:
        ImageError: it is no card for a Pi, of another release, or fuse2fs cannot be used.
    """
    _, boot, root = partitions_of(image)
    with tempfile.TemporaryDirectory(prefix=".reading-", dir=rootfs_tar.parent) as scratch:
        mount, fat = Path(scratch) / "root", Path(scratch) / "fat"
        firmware = fat / "boot/firmware"
        mount.mkdir()
        firmware.mkdir(parents=True)
        read_tree(image, boot.start_bytes, firmware)
        part, names = Path(scratch) / "rootfs.tar", Path(scratch) / "names"
        try:
            found = _on(image, root, mount, "find", mount, *hard_links.FIND)
            further = hard_links.further_names(image, root.start_bytes, found)
            names.write_text("".join(f"{each.name}\n" for each in further))
            script = ("sh", "-c", _READ_ROOT, "sh", mount, fat, part, RELEASE, names)
            _on(image, root, mount, *script)
        except ImageError as error:
            raise ImageError(
                f"the root file system of {image} cannot be read, or is not {RELEASE}'s: "
                f"{error.problem}",
                "give the image of a Raspberry Pi OS that is made of Debian 13; as root or in a "
                "user namespace, with fuse2fs installed and /dev/fuse there",
            ) from None
        hard_links.append(part, further)
        part.rename(rootfs_tar)


def _on(image: Path, root: Partition, mount: Path, *command: str | Path) -> str:
    """Return what a command prints that looks at a root file system, mounted meanwhile."""
    return run(
        "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
        "--mount-proc", "sh", "-c", _MOUNTED, "sh",
        image, str(root.start_bytes), mount, *command,
    )  # fmt: skip


def _download(url: str, target: Path) -> str:
    """Download a file, and return its sha256."""
    digest = hashlib.sha256()
    try:
        with (
            urllib.request.urlopen(url, timeout=_PATIENCE_SECONDS) as answer,  # noqa: S310 - the person's own URL
            target.open("wb") as file,
        ):
            while piece := answer.read(_READ_BYTES):
                digest.update(piece)
                file.write(piece)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ImageError(
            f"BASE_IMAGE={url} cannot be downloaded: {error}",
            "check the address and the network, or download it yourself and name the file",
        ) from error
    return digest.hexdigest()


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(
            f"BASE_IMAGE={file} cannot be read: {error.strerror}",
            "correct its path, or give its URL",
        ) from error
