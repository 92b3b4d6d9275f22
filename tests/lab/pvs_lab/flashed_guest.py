"""A simulated Pi that boots a card as it was flashed: kernel, initrd and all are the card's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pvs_lab import guest_tools
from pvs_lab.flashed_card import FlashedCard
from pvs_lab.guest import Guest
from pvs_lab.paths import lab_dir

# A Pi Zero 2 W's, the smallest that the image is for.
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
        card_locked: whether the card takes no writes, as one at the end of its life; from the next
            :meth:`power_on`.
    """

    source: Flashed
    card_locked: bool = False

    def _machine(self) -> list[str]:
        card = FlashedCard(self.source.card)
        boot = card.boot()
        # What the Pi's firmware does: QEMU has none for this machine.
        kernel, initrd = lab_dir(self.lab) / "kernel", lab_dir(self.lab) / "initrd"
        kernel.write_bytes(card.read(boot.kernel))
        initrd.write_bytes(card.read(boot.initrd))
        read_only = "on" if self.card_locked else "off"
        return [
            "qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a53",
            # The guest's clock goes by what it has executed, so no limit of time strikes because
            # this machine is busy: 500 million instructions a second, as one core of a Pi does.
            "-accel", "tcg,thread=single", "-icount", "shift=1,sleep=on",
            "-smp", "1", "-m", str(_MEMORY_MIB),
            "-kernel", str(kernel), "-initrd", str(initrd),
            "-append", " ".join([boot.arguments, *_ARGUMENTS, *guest_tools.kernel_arguments()]),
            # unsafe: a pulled plug is the end of QEMU, which leaves all that it has written.
            "-drive", f"file={self.source.card},format=raw,if=none,id=card,cache=unsafe,"
                      f"readonly={read_only}",
            "-device", "virtio-blk-pci,drive=card",
            "-drive", f"file={self.source.guest_tools},format=raw,if=none,id=tools,readonly=on",
            "-device", f"virtio-blk-pci,drive=tools,serial={guest_tools.SERIAL}",
        ]  # fmt: skip
