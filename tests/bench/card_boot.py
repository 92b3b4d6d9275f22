"""How long a card takes to boot in a guest of QEMU: a bare Debian's, and this project's.

Both boot in the same machine before the same world, so that one can be held against the other. The
seconds are the guest's: its clock goes by what it has executed, whatever else this machine does.
"""

from __future__ import annotations

from pathlib import Path

from image import imager
from image.pi import flashed

# At most so many times what the bare image takes to its login prompt.
MOST_TIMES_THE_BARE_BOOT = 1.5
_LOGIN = r"\blogin: "


def seconds_to_login(image: Path, lab: str = "bench-boot") -> float:
    """Boot an image to its login prompt, as a card of its own.

    Args:
        image: unpacked, with a systemd that takes credentials (Debian 12 and newer); only read.
        lab: name of the lab, for benches side by side.

    Raises:
        AssertionError: it shows no prompt.
        LabError: this machine cannot run it, or the image is none.
    """
    with flashed(lab, image) as pi:
        pi.power_on()
        pi.waits_for_console(_LOGIN)
        return pi.uptime_seconds()


def seconds_to_device_list(image: Path, lab: str = "bench-boot") -> float:
    """Boot an image that Imager has customised, until somebody at home gets DeviceList.

    Args:
        image: as :func:`seconds_to_login`.
        lab: as there.

    Raises:
        AssertionError: nobody does.
        LabError: as there.
    """
    with flashed(lab, image) as pi:
        imager.fill_in(pi.card, pi.public_key)
        pi.power_on()
        pi.wait_for_device_list()
        return pi.uptime_seconds()
