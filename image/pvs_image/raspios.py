"""Raspberry Pi OS as a base: read an official image into a root file system tar and a layout.

The official image is not modified. fuse2fs mounts its root file system in a mount namespace, and
tar reads it. This needs no loop device and preserves owners, hard links, extended attributes and
capabilities, which debugfs' rdump loses. The later stages are those of a Debian root file system,
but the card keeps the original ids, because cmdline.txt and fstab name the partitions by PARTUUID.
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
from pvs_image.block_map import partitions_of
from pvs_image.build_inputs import DEBIAN_RELEASE
from pvs_image.errors import ImageError
from pvs_image.fat import read_tree
from pvs_image.mbr import Partition
from pvs_image.partition_layout import SECTOR_BYTES, Layout, aligned
from pvs_image.paths import cache_dir
from pvs_image.programs import run
from pvs_image.xz import unpack

_SHA256 = re.compile(r"[0-9a-f]{64}")
_READ_BYTES = 1024 * 1024
_TIMEOUT_SECONDS = 60
_XZ = b"\xfd7zXZ\x00"
_SUPERBLOCK_AT = 1024
_EXT_MAGIC = 0xEF53

# Runs in a PID namespace, so that fuse2fs ends when the script ends or is killed.
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
    """Return an official image, verified and unpacked, from the cache if it is there.

    Args:
        source: a path or URL of an .img or .img.xz.
        sha256: the published sha256 of that file.
        report: receives the progress lines for the user.

    Raises:
        ImageError: it cannot be read, has another sha256, or is not an image for a Pi.
    """
    if not source:
        raise ImageError(
            "BASE_IMAGE is missing: BASE=raspios needs an official image",
            "set BASE_IMAGE to the file or URL of Raspberry Pi OS Lite (64-bit)",
        )
    sha256 = sha256.lower()
    if not _SHA256.fullmatch(sha256):
        raise ImageError(
            f"BASE_SHA256 must be 64 hexadecimal digits, got {sha256 or 'nothing'}",
            "copy it from the image's download page",
        )
    folder = cache_dir() / "raspios"
    card = folder / f"{sha256}.img"
    if card.exists():
        return card
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as temporary:
        file = Path(temporary) / "download"
        if re.match(r"[a-z]+://", source):
            report(f"downloading {source}")
            found = _download(source, file)
        else:
            file = Path(source)
            found = _digest(file)
        if found != sha256:
            raise ImageError(
                f"BASE_IMAGE={source} has the sha256 {found}, not that of BASE_SHA256",
                "it is damaged or another version: download it again, or correct BASE_SHA256",
            )
        image = Path(temporary) / "card.img"
        with file.open("rb") as opened:
            packed = opened.read(len(_XZ)) == _XZ
        if packed:
            report("unpacking the image")
            unpack(file, image)
        else:
            # Share the blocks if the file system can.
            run("cp", "--reflink=auto", "--sparse=always", file, image)
        read_layout(image)
        image.rename(card)
    return card


def read_layout(image: Path) -> Layout:
    """Return the partition layout of an image.

    Args:
        image: the unpacked image.

    Raises:
        ImageError: it is not an image for a Pi.
    """
    disk_id, boot, root = partitions_of(image)
    with image.open("rb") as file:
        file.seek(boot.start_bytes)
        head = file.read(SECTOR_BYTES)
        file.seek(root.start_bytes + _SUPERBLOCK_AT)
        superblock = file.read(SECTOR_BYTES)
    (magic,) = struct.unpack_from("<H", superblock, 0x38)
    for number, matches, kind in (
        (1, head[82:90] == b"FAT32   ", "FAT32"),
        (2, magic == _EXT_MAGIC, "ext4"),
    ):
        if not matches:
            raise ImageError(
                f"{image} must have {kind} in partition {number}",
                "name an image of Raspberry Pi OS Lite (64-bit)",
            )
    if root.start_bytes != aligned(boot.start_bytes + boot.size_bytes):
        raise ImageError(
            f"{image} must have its root partition directly after the boot partition",
            "name an image of Raspberry Pi OS Lite (64-bit)",
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
    """Write an image's files into a tar, with the boot partition at /boot/firmware.

    Args:
        image: the unpacked image.
        rootfs_tar: the tar to make.

    Raises:
        ImageError: it is not an image for a Pi, has another Debian release, or fuse2fs fails.
    """
    _, boot, root = partitions_of(image)
    with tempfile.TemporaryDirectory(prefix=".reading-", dir=rootfs_tar.parent) as temporary:
        mount, fat = Path(temporary) / "root", Path(temporary) / "fat"
        firmware = fat / "boot/firmware"
        mount.mkdir()
        firmware.mkdir(parents=True)
        read_tree(image, boot.start_bytes, firmware)
        part, names = Path(temporary) / "rootfs.tar", Path(temporary) / "names"
        try:
            found = _run_mounted(image, root, mount, "find", mount, *hard_links.FIND)
            further = hard_links.further_names(image, root.start_bytes, found)
            names.write_text("".join(f"{link.name}\n" for link in further))
            script = ("sh", "-c", _READ_ROOT, "sh", mount, fat, part, DEBIAN_RELEASE, names)
            _run_mounted(image, root, mount, *script)
        except ImageError as error:
            raise ImageError(
                f"the root file system of {image} is unreadable or not {DEBIAN_RELEASE}: "
                f"{error.problem}",
                "name an image of Raspberry Pi OS based on Debian 13; run as root or in a user "
                "namespace, with fuse2fs installed and /dev/fuse accessible",
            ) from None
        hard_links.append(part, further)
        part.rename(rootfs_tar)


def _run_mounted(image: Path, root: Partition, mount: Path, *command: str | Path) -> str:
    """Run a command while the root file system is mounted, and return its output."""
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
            urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer,  # noqa: S310 - the user's own URL
            target.open("wb") as file,
        ):
            while piece := answer.read(_READ_BYTES):
                digest.update(piece)
                file.write(piece)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ImageError(
            f"BASE_IMAGE={url} cannot be downloaded: {error}",
            "check the URL and the network, or download it yourself and name the file",
        ) from error
    return digest.hexdigest()


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(
            f"BASE_IMAGE={file} cannot be read: {error.strerror}",
            "correct the path, or name its URL",
        ) from error
