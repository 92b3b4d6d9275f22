"""Check that a root file system has every file that a Pi needs to boot and to join a Wi-Fi.

Without a kernel or an initrd, raspi-firmware copies nothing and exits 0. The Pi then shows a black
screen, so the build checks each file by name.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pvs_image.elf import ELF_HEAD_BYTES, is_foreign
from pvs_image.errors import ImageError
from pvs_image.initrd import read_files

BOOT = "boot/firmware"
ROOT_ARGUMENT = "root=LABEL=RASPIROOT"
# The roles' defaults name the interfaces eth0 and wlan0.
NAMES_ARGUMENT = "net.ifnames=0"
_BRCM = "usr/lib/firmware/brcm/brcmfmac"
_REGULATORY_DB = ("usr/lib/firmware/regulatory.db", "usr/lib/firmware/regulatory.db.p7s")
_HINT = "see raspi-firmware and update-initramfs in the build log, then build again"


@dataclasses.dataclass(frozen=True)
class Model:
    """A Pi model that the card supports.

    Attributes:
        name: the model's name in messages.
        boot: files on the FAT partition, besides those that config.txt names.
        radio: the Wi-Fi chip, as in its firmware's file name.
        board: the board, as in the file name of the Wi-Fi calibration data; empty if the chip has
            one file for all boards.
        drivers: kernel modules in the initrd that the root file system needs.
    """

    name: str
    boot: tuple[str, ...]
    radio: str
    board: str
    drivers: tuple[str, ...]

    @property
    def firmware(self) -> tuple[str, ...]:
        """The Wi-Fi firmware files, below the root."""
        chip = f"{_BRCM}{self.radio}-sdio"
        board = f".raspberrypi,{self.board}" if self.board else ""
        return (f"{chip}.bin", f"{chip}.clm_blob", f"{chip}{board}.txt")


# For the card slot and for a USB disk.
_OLDER_DRIVERS = ("bcm2835", "sdhci-iproc", "dwc2", "usb-storage", "ext4")
_NEWER_DRIVERS = ("sdhci-iproc", "gpio-regulator", "xhci-pci", "reset-raspberrypi", "uas", "ext4")
_OLDER = ("bootcode.bin", "start.elf", "fixup.dat")
# A Pi 4 has its first-stage boot loader in an EEPROM.
_NEWER = ("start4.elf", "fixup4.dat")
_OLDER_MODELS = (
    ("Pi 3A+", "3-a-plus", "43455", "3-model-a-plus"),
    ("Pi 3B", "3-b", "43430", "3-model-b"),
    ("Pi 3B+", "3-b-plus", "43455", "3-model-b-plus"),
    # The Wi-Fi chip of the first revision; image/README.md covers the second.
    ("Pi Zero 2 W", "zero-2-w", "43430", "model-zero-2-w"),
)
_NEWER_MODELS = (
    ("Pi 4B", "4-b", "43455", "4-model-b"),
    ("Pi 400", "400", "43456", ""),
    ("Compute Module 4", "cm4-io", "43455", "4-compute-module"),
)
MODELS = (
    *(
        Model(name, (*_OLDER, f"bcm2837-rpi-{tree}.dtb"), radio, board, _OLDER_DRIVERS)
        for name, tree, radio, board in _OLDER_MODELS
    ),
    *(
        Model(name, (*_NEWER, f"bcm2711-rpi-{tree}.dtb"), radio, board, _NEWER_DRIVERS)
        for name, tree, radio, board in _NEWER_MODELS
    ),
)


def check(root: Path, models: tuple[Model, ...] = MODELS) -> None:
    """Refuse a root file system from which a supported Pi would not boot.

    Args:
        root: the root file system; /boot/firmware holds the files of the FAT partition.
        models: the models to check.

    Raises:
        ImageError: a file is missing or empty, or lacks a setting. The message names the file and
            the model.
    """
    boot = root / BOOT
    config = _settings(_text(boot / "config.txt", "each Pi"))
    arguments = _text(boot / "cmdline.txt", "each Pi").split()
    for argument in (ROOT_ARGUMENT, NAMES_ARGUMENT):
        if argument not in arguments:
            raise ImageError(f"/{BOOT}/cmdline.txt lacks {argument}", _HINT)
    if config.get("arm_64bit") != "1":
        raise ImageError(f"/{BOOT}/config.txt lacks arm_64bit=1", _HINT)
    named = []
    # The third is the file for the user's own settings.
    for setting in ("kernel", "initramfs", "include"):
        if not config.get(setting):
            raise ImageError(f"/{BOOT}/config.txt lacks the setting {setting}", _HINT)
        named.append(config[setting])
    for model in models:
        paths = [f"{BOOT}/{name}" for name in (*named, *model.boot)]
        for path in (*paths, *model.firmware, *_REGULATORY_DB):
            _require(root, path, model.name)
    _check_initrd(boot / config["initramfs"], models)


def _check_initrd(initrd: Path, models: tuple[Model, ...]) -> None:
    """Refuse an initrd without the drivers for the root file system.

    Raises:
        ImageError: a driver is missing, or a program in it is for another processor.
    """
    files = read_files(initrd)
    drivers = {Path(name).name.split(".")[0].replace("_", "-") for name in files if ".ko" in name}
    for model in models:
        for driver in model.drivers:
            if driver not in drivers:
                raise ImageError(f"{model.name} needs {driver} in /{BOOT}/{initrd.name}", _HINT)
    for name, content in files.items():
        if is_foreign(content[:ELF_HEAD_BYTES]):
            raise ImageError(f"/{BOOT}/{initrd.name}: {name} is not for arm64", _HINT)


def _settings(text: str) -> dict[str, str]:
    """Parse config.txt: lines of NAME=VALUE, except `initramfs FILE followkernel`."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    pairs = (line.replace(" ", "=", 1).partition("=") for line in lines if line)
    return {name: value.strip() for name, _, value in pairs}


def _text(path: Path, model: str) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ImageError(f"{model} needs /{BOOT}/{path.name}, which is missing", _HINT) from error


def _require(root: Path, path: str, model: str) -> None:
    """Require a file; absolute symbolic links start at `root`.

    Raises:
        ImageError: it is missing or empty.
    """
    target = root / path
    for _ in range(8):
        if not target.is_symlink():
            break
        link = target.readlink()
        target = root / link.relative_to("/") if link.is_absolute() else target.parent / link
    if not target.is_file() or not target.stat().st_size:
        raise ImageError(f"{model} needs /{path}, which is missing", _HINT)
