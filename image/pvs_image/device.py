"""A card in a reader: what it is, and whether it may be written over."""

from __future__ import annotations

import dataclasses
import os
import stat
import sys
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.layout import SECTOR_BYTES

_HINT = "`lsblk -o NAME,SIZE,MODEL,RM,MOUNTPOINTS` shows which device the card is"


@dataclasses.dataclass(frozen=True)
class Device:
    """A whole block device.

    Attributes:
        path: as ``/dev/sdb``.
        model: as its maker calls it; ``unknown model`` where it says nothing.
        size_bytes: how much it holds.
    """

    path: Path
    model: str
    size_bytes: int

    @property
    def name(self) -> str:
        """What a person types to have it written over: model and size."""
        return f"{self.model} {self.size_bytes / 1e9:.1f} GB"


def writable_device(
    path: Path,
    needed_bytes: int,
    *,
    sysfs: Path = Path("/sys"),
    procfs: Path = Path("/proc"),
) -> Device:
    """Look at a device, and refuse whatever might be something else than a card to be written.

    Args:
        path: the device.
        needed_bytes: how much has to fit.
        sysfs: where the kernel describes devices.
        procfs: where it lists mounts and swaps.

    Raises:
        ImageError: it is no whole, removable, unused block device that is large enough.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise ImageError(f"DEVICE={path}: {error.strerror}", _HINT) from None
    if not stat.S_ISBLK(status.st_mode):
        raise ImageError(f"DEVICE={path} is no block device", _HINT)
    number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    return inspect(path, number, needed_bytes, sysfs=sysfs, procfs=procfs)


def confirm(device: Device) -> None:
    """Have the person name the device that is about to lose what is on it.

    Raises:
        ImageError: something else is typed.
    """
    print(f"{device.path}: {device.name}. Everything on it will be lost.")
    print(f"To go on, type: {device.name}", flush=True)
    if sys.stdin.readline().strip() != device.name:
        raise ImageError(
            f"DEVICE={device.path} was not confirmed, and is left as it is",
            f"type {device.name} when asked, if that is the card",
        )


def inspect(path: Path, number: str, needed_bytes: int, *, sysfs: Path, procfs: Path) -> Device:
    """Look at a device as the kernel describes it.

    Args:
        path: how the person calls it.
        number: major and minor, as ``8:16``.
        needed_bytes: how much has to fit.
        sysfs: where the kernel describes devices.
        procfs: where it lists mounts and swaps.

    Raises:
        ImageError: as :func:`writable_device`.
    """
    about = (sysfs / "dev/block" / number).resolve()
    if (about / "partition").exists():
        raise ImageError(
            f"DEVICE={path} is a partition of /dev/{about.parent.name}",
            f"name the whole card: DEVICE=/dev/{about.parent.name}",
        )
    if not _is_removable(about):
        raise ImageError(
            f"DEVICE={path} is not removable: it is a disk of this machine, not a card", _HINT
        )
    if _read(about / "ro") == "1":
        raise ImageError(
            f"DEVICE={path} is write-protected", "move the card's lock, or take another adapter"
        )
    parts = [about, *(each.parent for each in about.glob("*/partition"))]
    _refuse_used(path, parts, procfs)
    model = " ".join(
        filter(None, [_read(about / "device/vendor"), _read(about / "device/model")])
    ) or _read(about / "device/name")
    device = Device(path, model or "unknown model", int(_read(about / "size") or 0) * SECTOR_BYTES)
    if device.size_bytes < needed_bytes:
        raise ImageError(
            f"DEVICE={path} ({device.name}) is too small: {needed_bytes / 1e9:.1f} GB are needed",
            "put a larger card in" if device.size_bytes else "put a card into the reader",
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
                f"DEVICE={path} is in use: swap, RAID, LVM or encryption has /dev/{part.name}",
                _HINT,
            )


def _is_removable(about: Path) -> bool:
    """Tell whether a medium can be taken out: a reader's, a stick's, or an SD card's."""
    if _read(about / "removable") == "1":
        return True
    above = about.parts
    # Some readers and all SD slots say that their medium is fixed; the bus tells.
    return any(part.startswith("usb") for part in above) or (
        "mmc_host" in above and _read(about / "device/type") == "SD"
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
