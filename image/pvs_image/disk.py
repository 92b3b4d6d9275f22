"""The card: a partition table, what the boot loader reads, and the root file system.

Made as a file, by programs that work within files: no loop device, no mount, nothing to clean up
but a folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.ext4 import make_ext4, size_for
from pvs_image.fat import make_fat
from pvs_image.layout import Layout, layout_of
from pvs_image.mapped import copy_ranges, mapped_ranges
from pvs_image.mbr import FAT32, LINUX, Partition, write_table
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
    """Make a card from a root file system: the same bytes from the same tar, wherever it is done.

    The file is sparse, a whole number of 4 MiB long, and gets its name when it is complete.
    Only the root of this machine or of a user namespace can give files to their owners.

    Args:
        rootfs_tar: with numeric owners, extended attributes, and /boot/firmware in it.
        target: the card.
        source_date_epoch: the time of whatever is made here, in seconds.
        layout: where the partitions are and how they are called; our own, if none is given.
        workplace: a folder to put it together in, such as one in memory: e2fsprogs waits for the
            disk after each step. Beside the target, if none is given.

    Raises:
        ImageError: who asks is not root, or a program fails.
    """
    if os.geteuid():
        raise ImageError(
            "only root can give a card's files to their owners",
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
        _hand_over(image, target)


def _hand_over(image: Path, target: Path) -> None:
    """Put a card that is complete where it belongs, which may be another disk."""
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
    """Unpack a root file system as it is, without devices: the Pi's kernel makes its own."""
    root.mkdir()
    run(
        "tar", "--extract", "--file", rootfs_tar, "--directory", root, "--numeric-owner",
        "--same-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*",
        "--anchored", "--exclude=./dev/*", "--exclude=dev/*", "--delay-directory-restore",
    )  # fmt: skip
    # Where it does so; an archive without devices may lack the folder too.
    (root / "dev").mkdir(exist_ok=True)


def _take_boot(root: Path, boot: Path) -> None:
    """Move what goes into the FAT partition aside, and leave an empty folder to mount it on.

    Raises:
        ImageError: there is nothing to boot from.
    """
    old = root / _BOOT
    if not old.is_dir() or not any(old.iterdir()):
        raise ImageError(
            "the root file system has nothing in /boot/firmware, so no Pi would boot from it",
            "build it with the packages raspi-firmware and linux-image-arm64",
        )
    status, above = old.stat(), old.parent.stat()
    old.rename(boot)
    old.mkdir(mode=0o755)
    for path, was in ((old, status), (old.parent, above)):
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
