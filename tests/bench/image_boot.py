"""Benchmark: how long the card takes to boot in QEMU, compared with a bare Debian card.

Both boot in the same virtual machine and network. The seconds are those of the guest's clock, which
counts executed instructions, so other load on this machine does not affect them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from nightly.image import imager_files
from nightly.image.built_image import built_image
from nightly.image.flashed_pi import WORKS, flashed

from pvs_image.build_inputs import DEBIAN_RELEASE_EPOCH
from pvs_image.debian_base import base_stage
from pvs_image.disk_image import make_disk
from pvs_image.native_tools import are_available, native_tools_stage
from pvs_image.paths import cache_dir
from pvs_image.stages import Stages

# The limit, as a multiple of the bare card's boot until its login prompt.
_MAX_FACTOR = 1.5
_LOGIN = r"\blogin: "


def seconds_to_login(image: Path, lab: str = "bench-boot") -> float:
    """Boot a copy of an image to its login prompt.

    Args:
        image: unpacked, with a systemd that reads credentials (Debian 12 and newer); not modified.
        lab: the name of the lab, so that benchmarks can run in parallel.

    Raises:
        AssertionError: no login prompt appears.
        LabError: this machine cannot run the lab, or the image is not one.
    """
    with flashed(lab, image) as pi:
        pi.power_on()
        pi.wait_for_console(_LOGIN)
        return pi.uptime_seconds()


def seconds_to_device_list(image: Path, lab: str = "bench-boot") -> tuple[float, float]:
    """Boot an image customised by Imager, until a client at home gets DeviceList.

    Args:
        image: as in :func:`seconds_to_login`.
        lab: as in :func:`seconds_to_login`.

    Returns:
        the seconds of the first boot and of the second.

    Raises:
        AssertionError: the client gets no answer.
        LabError: as in :func:`seconds_to_login`.
    """
    with flashed(lab, image) as pi:
        imager_files.fill_in(pi.card, pi.public_key)
        pi.power_on()
        pi.wait_for_device_list()
        first = pi.uptime_seconds()
        pi.wait_for_report(WORKS)
        pi.restart()
        pi.wait_for_device_list()
        return first, pi.uptime_seconds()


def bare_image(folder: Path) -> Path:
    """Make an image of the stage "base": Debian for the Pi, without the roles.

    Args:
        folder: the output folder.

    Raises:
        ImageError: a stage failed.
    """
    stages = Stages(cache_dir())
    tools = stages.provide(native_tools_stage()).file if are_available() else None
    image = folder / "bare.img"
    make_disk(stages.provide(base_stage(tools)).file, image, source_date_epoch=DEBIAN_RELEASE_EPOCH)
    return image


def main() -> int:
    """Boot both cards, and print the times.

    Returns:
        the exit status: 1 if a boot takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="bench-boot-", dir=cache_dir()) as folder:
        login = seconds_to_login(bare_image(Path(folder)))
    first, later = seconds_to_device_list(built_image())
    print("\nseconds of the guest's clock, since power on")
    print(f"{'bare Debian, login prompt':<30}{login:>6.0f}")
    passed = True
    for what, seconds in (("first boot, DeviceList", first), ("later boot, DeviceList", later)):
        passed &= seconds <= _MAX_FACTOR * login
        print(f"{what:<30}{seconds:>6.0f}  ({seconds / login:.2f} times the bare boot)")
    print(f"limit: {_MAX_FACTOR} times the bare boot, {'passed' if passed else 'FAILED'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
