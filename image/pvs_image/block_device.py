"""A card in a reader: identify the block device, and refuse any that must not be overwritten."""

from __future__ import annotations

import dataclasses
import os
import stat
import sys
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.partition_layout import SECTOR_BYTES

_HINT = "find the card with: lsblk -o NAME,SIZE,MODEL,RM,MOUNTPOINTS"


@dataclasses.dataclass(frozen=True)
class Device:
    """A whole block device.

    Attributes:
        path: such as ``/dev/sdb``.
        model: vendor and model; ``unknown model`` if the device reports none.
        size_bytes: its capacity.
    """

    path: Path
    model: str
    size_bytes: int

    @property
    def name(self) -> str:
        """Model and size, which the user types to confirm."""
        return f"{self.model} {self.size_bytes / 1e9:.1f} GB"


def writable_device(
    path: Path,
    needed_bytes: int,
    *,
    sysfs: Path = Path("/sys"),
    procfs: Path = Path("/proc"),
) -> Device:
    """Return a device, after checking that it may be overwritten.

    Args:
        path: the device.
        needed_bytes: the required capacity.
        sysfs: the mount point of sysfs.
        procfs: the mount point of procfs.

    Raises:
        ImageError: it is not a whole, removable, unused block device that is large enough.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise ImageError(f"DEVICE={path}: {error.strerror}", _HINT) from None
    if not stat.S_ISBLK(status.st_mode):
        raise ImageError(f"DEVICE={path} is not a block device", _HINT)
    number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    return inspect(path, number, needed_bytes, sysfs=sysfs, procfs=procfs)


def confirm(device: Device) -> None:
    """Ask the user to type the device's name before it is overwritten.

    Raises:
        ImageError: the user types something else.
    """
    print(f"{device.path}: {device.name}. Everything on it will be lost.")
    print(f"To continue, type: {device.name}", flush=True)
    if sys.stdin.readline().strip() != device.name:
        raise ImageError(
            f"DEVICE={device.path} was not confirmed and is unchanged",
            f"if that is the card, type when asked: {device.name}",
        )


def inspect(path: Path, number: str, needed_bytes: int, *, sysfs: Path, procfs: Path) -> Device:
    """Return a device with the given number, after checking that it may be overwritten.

    Args:
        path: the path for messages.
        number: major and minor number, such as ``8:16``.
        needed_bytes: the required capacity.
        sysfs: the mount point of sysfs.
        procfs: the mount point of procfs.

    Raises:
        ImageError: as :func:`writable_device`.
    """
    about = (sysfs / "dev/block" / number).resolve()
    if (about / "partition").exists():
        raise ImageError(
            f"DEVICE={path} is a partition of /dev/{about.parent.name}",
            f"name the whole device: DEVICE=/dev/{about.parent.name}",
        )
    if not _is_removable(about):
        raise ImageError(f"DEVICE={path} is not removable, so it is a disk of this machine", _HINT)
    if _read(about / "ro") == "1":
        raise ImageError(
            f"DEVICE={path} is write-protected",
            "slide the card's lock switch, or use another adapter",
        )
    parts = [about, *(each.parent for each in about.glob("*/partition"))]
    _refuse_used(path, parts, procfs)
    model = " ".join(
        filter(None, [_read(about / "device/vendor"), _read(about / "device/model")])
    ) or _read(about / "device/name")
    device = Device(path, model or "unknown model", int(_read(about / "size") or 0) * SECTOR_BYTES)
    if device.size_bytes < needed_bytes:
        raise ImageError(
            f"DEVICE={path} ({device.name}) is too small: {needed_bytes / 1e9:.1f} GB needed",
            "use a larger card" if device.size_bytes else "insert a card into the reader",
        )
    return device


def _refuse_used(path: Path, parts: list[Path], procfs: Path) -> None:
    numbers = {_read(part / "dev") for part in parts}
    for line in (procfs / "self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[2] in numbers:
            raise ImageError(f"DEVICE={path} is mounted at {fields[4]}", f"umount {fields[4]}")
    swaps = {Path(line.split()[0]).name for line in (procfs / "swaps").read_text().splitlines()[1:]}
    for part in parts:
        holders = part / "holders"
        if part.name in swaps or (holders.is_dir() and any(holders.iterdir())):
            raise ImageError(
                f"DEVICE={path} is in use: swap, RAID, LVM or encryption uses /dev/{part.name}",
                _HINT,
            )


def _is_removable(about: Path) -> bool:
    """Return whether the medium can be removed: in a card reader, a USB stick, or an SD slot."""
    if _read(about / "removable") == "1":
        return True
    buses = about.parts
    # Some readers and all SD slots report a fixed medium, but their bus is USB or MMC.
    return any(bus.startswith("usb") for bus in buses) or (
        "mmc_host" in buses and _read(about / "device/type") == "SD"
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
