"""Make a disk image from a root file system: partition table, FAT partition, ext4 partition.

All programs write into the image file, so neither loop devices nor mounts are needed.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from pvs_image.block_map import copy_ranges, mapped_ranges
from pvs_image.errors import ImageError
from pvs_image.ext4 import make_ext4, size_for
from pvs_image.fat import make_fat
from pvs_image.mbr import FAT32, LINUX, Partition, write_table
from pvs_image.partition_layout import Layout, layout_of
from pvs_image.programs import run

_BOOT = "boot/firmware"


def make_disk(
    rootfs_tar: Path,
    target: Path,
    *,
    source_date_epoch: int,
    layout: Layout | None = None,
    workplace: Path | None = None,
) -> None:
    """Make a disk image from a root file system; the same tar gives the same bytes.

    The image is sparse, its length is a multiple of 4 MiB, and it gets its name when it is
    complete. The caller must be root, of this machine or of a user namespace, to set file owners.

    Args:
        rootfs_tar: with numeric owners, extended attributes, and /boot/firmware.
        target: the image.
        source_date_epoch: the build date, in seconds since 1970.
        layout: partition offsets and ids; by default our own layout.
        workplace: a temporary folder; by default the target's. One in memory is faster, because
            e2fsprogs syncs after each step.

    Raises:
        ImageError: the caller is not root, or a program fails.
    """
    if os.geteuid():
        raise ImageError(
            "only root can set the owners of the image's files",
            "run it as root, or in a user namespace: unshare --map-auto --map-root-user COMMAND",
        )
    if layout is None:
        with rootfs_tar.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        layout = layout_of(f"{digest} {source_date_epoch}")
    with tempfile.TemporaryDirectory(
        prefix=".making-disk-", dir=workplace or target.parent
    ) as folder:
        root, boot, image = (Path(folder) / name for name in ("root", "boot", "card.img"))
        _unpack(rootfs_tar, root)
        _take_boot(root, boot)
        root_bytes = size_for(root)
        with image.open("wb") as file:
            file.truncate(layout.root_start_bytes + root_bytes)
            file.write(write_table(layout.disk_id, _partitions(layout, root_bytes)))
        make_fat(
            image,
            boot,
            start_bytes=layout.boot_start_bytes,
            size_bytes=layout.boot_bytes,
            label=layout.boot_label,
            serial=layout.boot_serial,
            source_date_epoch=source_date_epoch,
        )
        make_ext4(
            image,
            root,
            start_bytes=layout.root_start_bytes,
            size_bytes=root_bytes,
            label=layout.root_label,
            identity=layout.root_uuid,
            source_date_epoch=source_date_epoch,
        )
        _move_to(image, target)


def _move_to(image: Path, target: Path) -> None:
    """Move a complete image to its final place, which may be on another file system."""
    part = target.with_name(f".{target.name}.part")
    try:
        copy_ranges(image, part, mapped_ranges(image))
        part.chmod(0o644)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)


def _partitions(layout: Layout, root_bytes: int) -> tuple[Partition, Partition]:
    return (
        Partition(FAT32, layout.boot_start_bytes, layout.boot_bytes),
        Partition(LINUX, layout.root_start_bytes, root_bytes),
    )


def _unpack(rootfs_tar: Path, root: Path) -> None:
    """Unpack a root file system without /dev, which the Pi's kernel fills with devtmpfs."""
    root.mkdir()
    run(
        "tar", "--extract", "--file", rootfs_tar, "--directory", root, "--numeric-owner",
        "--same-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*",
        "--anchored", "--exclude=./dev/*", "--exclude=dev/*", "--delay-directory-restore",
    )  # fmt: skip
    # The kernel mounts devtmpfs on this folder, which an archive without devices may lack.
    (root / "dev").mkdir(exist_ok=True)


def _take_boot(root: Path, boot: Path) -> None:
    """Move /boot/firmware out of the root, and leave an empty folder as mount point.

    Raises:
        ImageError: /boot/firmware is empty or missing.
    """
    old = root / _BOOT
    if not old.is_dir() or not any(old.iterdir()):
        raise ImageError(
            "/boot/firmware of the root file system is empty, so a Pi could not boot",
            "build it with the packages raspi-firmware and linux-image-arm64",
        )
    status, parent_status = old.stat(), old.parent.stat()
    old.rename(boot)
    old.mkdir(mode=0o755)
    for path, before in ((old, status), (old.parent, parent_status)):
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
