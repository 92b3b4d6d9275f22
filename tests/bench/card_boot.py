"""How long a card takes to boot in a guest of QEMU: a bare Debian's, and this project's.

Both boot in the same machine before the same world, so that one can be held against the other. The
seconds are the guest's: its clock goes by what it has executed, whatever else this machine does.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from image import imager, shipped
from image.pi import WORKS, flashed

from pvs_image.base import base_stage
from pvs_image.disk import make_disk
from pvs_image.paths import cache_dir
from pvs_image.recipe import RELEASE_EPOCH
from pvs_image.stages import Stages
from pvs_image.tools import are_lent, tools_stage

# At most so many times what the bare image takes to its login prompt. A first boot sets the Pi up,
# and is not there yet: it is told, and only the others are held to it.
_MOST_TIMES_THE_BARE_BOOT = 1.5
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


def seconds_to_device_list(image: Path, lab: str = "bench-boot") -> tuple[float, float]:
    """Boot an image that Imager has customised, until the home gets DeviceList.

    Args:
        image: as :func:`seconds_to_login`.
        lab: as there.

    Returns:
        of the first boot, and of the second.

    Raises:
        AssertionError: it does not.
        LabError: as there.
    """
    with flashed(lab, image) as pi:
        imager.fill_in(pi.card, pi.public_key)
        pi.power_on()
        pi.wait_for_device_list()
        first = pi.uptime_seconds()
        pi.reports(WORKS)
        pi.restart()
        pi.wait_for_device_list()
        return first, pi.uptime_seconds()


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
        the exit status: 1 where a card that is set up takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="bench-boot-", dir=cache_dir()) as folder:
        login = seconds_to_login(bare_image(Path(folder)))
    first, later = seconds_to_device_list(shipped.image())
    print("\nseconds of the guest's, from power on")
    print(f"{'bare Debian, login prompt':<30}{login:>6.0f}")
    for what, seconds in (("first boot, DeviceList", first), ("later boot, DeviceList", later)):
        times = seconds / login
        verdict = "kept" if times <= _MOST_TIMES_THE_BARE_BOOT else "NOT kept"
        print(
            f"{what:<30}{seconds:>6.0f}{times:>6.1f} times as long, "
            f"wanted at most {_MOST_TIMES_THE_BARE_BOOT}: {verdict}"
        )
    return 0 if later <= _MOST_TIMES_THE_BARE_BOOT * login else 1


if __name__ == "__main__":
    sys.exit(main())
