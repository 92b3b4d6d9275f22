"""A Pi 3B as QEMU has it: its own processor, card reader and serial line, and the card's DTB.

No network leads out of it, and what start.elf would do QEMU does not: it gets kernel, initrd and
arguments from the card by way of this module.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pvs_lab.flashed_card import FlashedCard

_DTB = "bcm2837-rpi-3-b.dtb"
# Both serial lines that the card's kernel may take for the Pi's own.
_CONSOLES = "console=ttyS1,115200 console=ttyAMA0,115200"
# Its clock goes on while its processors are translated, too slowly for a watchdog of 14 s.
_NO_WATCHDOG = "systemd.watchdog_sec=0"
# QEMU's card reader takes powers of two alone.
_CARD_MIB = 4096


@contextlib.contextmanager
def running(image: Path) -> Iterator[Path]:
    """Boot a card of its own; both are gone afterwards.

    Args:
        image: what is on the card.

    Yields:
        the file that the console is written to.

    Raises:
        LabError: the card lacks what it has to boot.
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
