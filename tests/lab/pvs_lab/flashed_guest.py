"""A simulated Pi that boots a flashed card, with the card's own kernel and initrd."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pvs_lab import guest_tools
from pvs_lab.flashed_card import FlashedCard
from pvs_lab.guest import Guest
from pvs_lab.paths import lab_dir

# As a Pi Zero 2 W, the smallest that the image supports.
_MEMORY_MIB = 512
_ARGUMENTS = ("console=ttyAMA0", "systemd.show_status=1")


@dataclasses.dataclass(frozen=True)
class Flashed:
    """What such a Pi boots.

    Attributes:
        card: the file of the card, which the Pi writes to.
        guest_tools: the lab's own disk.
    """

    card: Path
    guest_tools: Path


@dataclasses.dataclass
class FlashedGuest(Guest):
    """One Pi with a card.

    Attributes:
        source: what it boots.
        card_locked: whether the card refuses writes, as a worn-out one; from the next
            :meth:`power_on`.
    """

    source: Flashed
    card_locked: bool = False

    def _machine(self) -> list[str]:
        card = FlashedCard(self.source.card)
        boot = card.boot()
        # QEMU has no firmware for this machine, so the lab reads what the Pi's firmware would.
        kernel, initrd = lab_dir(self.lab) / "kernel", lab_dir(self.lab) / "initrd"
        kernel.write_bytes(card.read(boot.kernel))
        initrd.write_bytes(card.read(boot.initrd))
        read_only = "on" if self.card_locked else "off"
        return [
            "qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a53",
            # The guest's clock counts executed instructions, so a busy machine causes no timeout:
            # 500 million instructions a second, as one core of a Pi executes.
            "-accel", "tcg,thread=single", "-icount", "shift=1,sleep=on",
            "-smp", "1", "-m", str(_MEMORY_MIB),
            "-kernel", str(kernel), "-initrd", str(initrd),
            "-append", " ".join([boot.arguments, *_ARGUMENTS, *guest_tools.kernel_arguments()]),
            # unsafe: a power cut kills QEMU only, and what QEMU has written stays in the file.
            "-drive", f"file={self.source.card},format=raw,if=none,id=card,cache=unsafe,"
                      f"readonly={read_only}",
            "-device", "virtio-blk-pci,drive=card",
            "-drive", f"file={self.source.guest_tools},format=raw,if=none,id=tools,readonly=on",
            "-device", f"virtio-blk-pci,drive=tools,serial={guest_tools.SERIAL}",
        ]  # fmt: skip
