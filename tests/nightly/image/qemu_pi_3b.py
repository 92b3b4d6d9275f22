"""QEMU's Pi 3B: its processor, card reader and serial line, with the card's device tree.

It has no network. QEMU does not run start.elf, so this module reads kernel, initrd and arguments
from the card.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pvs_lab.flashed_card import FlashedCard

_DTB = "bcm2837-rpi-3-b.dtb"
# Both serial lines, because the kernel's name for the console depends on its version.
_CONSOLES = "console=ttyS1,115200 console=ttyAMA0,115200"
# The emulation is too slow for a watchdog of 14 s, because the clock runs in real time.
_NO_WATCHDOG = "systemd.watchdog_sec=0"
# QEMU requires a power of two as card size.
_CARD_MIB = 4096


@contextlib.contextmanager
def running(image: Path) -> Iterator[Path]:
    """Boot a new card; both are removed afterwards.

    Args:
        image: the image to flash.

    Yields:
        the console's log file.

    Raises:
        LabError: the card lacks a boot file.
    """
    with tempfile.TemporaryDirectory(dir=image.parent) as name:
        folder = Path(name)
        card = FlashedCard.flash(image, folder / "card.img", _CARD_MIB)
        boot = card.boot()
        for file in (boot.kernel, boot.initrd, _DTB):
            (folder / file).write_bytes(card.read(file))
        console = folder / "console"
        console.touch()
        process = subprocess.Popen(
            ["qemu-system-aarch64", "-M", "raspi3b", "-smp", "4", "-m", "1G",
             "-nodefaults", "-display", "none",
             "-dtb", str(folder / _DTB), "-kernel", str(folder / boot.kernel),
             "-initrd", str(folder / boot.initrd),
             "-append", f"{boot.arguments} {_CONSOLES} {_NO_WATCHDOG}",
             "-drive", f"if=sd,format=raw,file={card.file},cache=unsafe",
             "-serial", f"file:{console}"],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield console
        finally:
            process.kill()
            process.wait()
