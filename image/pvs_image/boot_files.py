"""What each supported Pi needs to boot and to join a Wi-Fi, looked for file by file.

raspi-firmware says nothing when it finds no kernel or no initrd, and copies nothing then; a Pi
says nothing either, with a screen that stays dark.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pvs_image.elf import ELF_HEAD_BYTES, is_foreign
from pvs_image.errors import ImageError
from pvs_image.initrd import read_files

BOOT = "boot/firmware"
ROOT_ARGUMENT = "root=LABEL=RASPIROOT"
# Debian's names of the interfaces, eth0 and wlan0, are those that the roles begin with.
NAMES_ARGUMENT = "net.ifnames=0"
_BRCM = "usr/lib/firmware/brcm/brcmfmac"
_RULES = ("usr/lib/firmware/regulatory.db", "usr/lib/firmware/regulatory.db.p7s")
_HINT = "see the build's log for what raspi-firmware and update-initramfs say; then build again"


@dataclasses.dataclass(frozen=True)
class Model:
    """A Pi that the card is for.

    Attributes:
        name: for a person.
        boot: what it reads of the FAT partition, beside what config.txt names.
        radio: the chip of its Wi-Fi, by the name of its firmware.
        board: by which the firmware of the Wi-Fi is calibrated.
        drivers: of its initrd, which lead to the root file system.
    """

    name: str
    boot: tuple[str, ...]
    radio: str
    board: str
    drivers: tuple[str, ...]

    @property
    def firmware(self) -> tuple[str, ...]:
        """What its Wi-Fi needs of the root file system."""
        chip = f"{_BRCM}{self.radio}-sdio"
        return (f"{chip}.bin", f"{chip}.clm_blob", f"{chip}.raspberrypi,{self.board}.txt")


# A card in its slot, and a disk on USB.
_OLDER_DRIVERS = ("bcm2835", "sdhci-iproc", "dwc2", "usb-storage", "ext4")
_NEWER_DRIVERS = ("sdhci-iproc", "gpio-regulator", "xhci-pci", "reset-raspberrypi", "uas", "ext4")
_OLDER = ("bootcode.bin", "start.elf", "fixup.dat")
# A Pi 4 has its first loader in a chip of its own.
_NEWER = ("start4.elf", "fixup4.dat")
MODELS = (
    Model("Pi 3B", (*_OLDER, "bcm2837-rpi-3-b.dtb"), "43430", "3-model-b", _OLDER_DRIVERS),
    Model(
        "Pi 3B+", (*_OLDER, "bcm2837-rpi-3-b-plus.dtb"), "43455", "3-model-b-plus", _OLDER_DRIVERS
    ),
    Model("Pi 4B", (*_NEWER, "bcm2711-rpi-4-b.dtb"), "43455", "4-model-b", _NEWER_DRIVERS),
    # The chip of its first revision; see the README for the second one's.
    Model(
        "Pi Zero 2 W",
        (*_OLDER, "bcm2837-rpi-zero-2-w.dtb"),
        "43430",
        "model-zero-2-w",
        _OLDER_DRIVERS,
    ),
)


def check(root: Path, models: tuple[Model, ...] = MODELS) -> None:
    """Refuse a root file system that a supported Pi would not boot from.

    Args:
        root: the folder, with what gets into the FAT partition in /boot/firmware.
        models: that it is to boot.

    Raises:
        ImageError: a file is missing or empty, or does not say what it has to; it is named with
            the model that needs it.
    """
    boot = root / BOOT
    config = _settings(_text(boot / "config.txt", "each Pi"))
    arguments = _text(boot / "cmdline.txt", "each Pi").split()
    for argument in (ROOT_ARGUMENT, NAMES_ARGUMENT):
        if argument not in arguments:
            raise ImageError(f"/{BOOT}/cmdline.txt does not say {argument}", _HINT)
    if config.get("arm_64bit") != "1":
        raise ImageError(f"/{BOOT}/config.txt does not say arm_64bit=1", _HINT)
    named = []
    for setting in ("kernel", "initramfs"):
        if not config.get(setting):
            raise ImageError(f"/{BOOT}/config.txt names no {setting}", _HINT)
        named.append(config[setting])
    for model in models:
        paths = [f"{BOOT}/{name}" for name in (*named, *model.boot)]
        for path in (*paths, *model.firmware, *_RULES):
            _require(root, path, model.name)
    _check_initrd(boot / config["initramfs"], models)


def _check_initrd(initrd: Path, models: tuple[Model, ...]) -> None:
    """Refuse an initrd that does not lead to the root file system.

    Raises:
        ImageError: a driver is missing, or a program in it is not for the Pi.
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
    """Read config.txt: NAME=VALUE, and the one setting that has a space there."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    pairs = (line.replace(" ", "=", 1).partition("=") for line in lines if line)
    return {name: value.strip() for name, _, value in pairs}


def _text(path: Path, model: str) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ImageError(
            f"{model} needs /{BOOT}/{path.name}, and it is not there", _HINT
        ) from error


def _require(root: Path, path: str, model: str) -> None:
    """Look for a file, through links that begin at the root file system's own root.

    Raises:
        ImageError: it is missing or empty.
    """
    target = root / path
    for _ in range(8):
        if not target.is_symlink():
            break
        leads_to = target.readlink()
        target = (
            root / leads_to.relative_to("/") if leads_to.is_absolute() else target.parent / leads_to
        )
    if not target.is_file() or not target.stat().st_size:
        raise ImageError(f"{model} needs /{path}, and it is not there", _HINT)
