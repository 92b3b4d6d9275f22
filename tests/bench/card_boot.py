"""How long a card takes to boot in a guest of QEMU: a bare Debian's, and this project's.

Both boot in the same machine before the same world, so that one can be held against the other. The
seconds are the guest's: its clock goes by what it has executed, whatever else this machine does.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from image import imager, shipped
from image.pi import flashed

from pvs_image.base import base_stage
from pvs_image.disk import make_disk
from pvs_image.paths import cache_dir
from pvs_image.recipe import RELEASE_EPOCH
from pvs_image.stages import Stages
from pvs_image.tools import are_lent, tools_stage

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


def bare_image(folder: Path) -> Path:
    """Make a card of what `make image` starts from: Debian for the Pi, without the roles.

    Args:
        folder: where it goes.

    Raises:
        ImageError: it cannot be made.
    """
    stages = Stages(cache_dir())
    tools = stages.provide(tools_stage()).file if are_lent() else None
    image = folder / "bare.img"
    make_disk(stages.provide(base_stage(tools)).file, image, source_date_epoch=RELEASE_EPOCH)
    return image


def main() -> int:
    """Boot both, and print what it took.

    Returns:
        the exit status: 1 where the card takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="bench-boot-", dir=cache_dir()) as folder:
        login = seconds_to_login(bare_image(Path(folder)))
    first = seconds_to_device_list(shipped.image())
    print(f"bare Debian, boot to the login prompt: {login:.0f} s of the guest's")
    print(f"the card, first boot to DeviceList: {first:.0f} s of the guest's")
    print(f"that is {first / login:.1f} times as long, wanted at most {MOST_TIMES_THE_BARE_BOOT}")
    return int(first > MOST_TIMES_THE_BARE_BOOT * login)


if __name__ == "__main__":
    sys.exit(main())
