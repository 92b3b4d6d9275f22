"""A power cut during the first boot: the next boot completes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nightly.image import imager_files
from nightly.image.flashed_pi import WORKS, flashed

Record = Callable[[str, object], None]

# The console truncates longer unit names.
_APPLY = "pvs-bridge-boot-config-apply"
# Console output to wait for, and how many seconds of the Pi later the power is cut.
CUTS = {
    "the configuration is read": (rf"Starting .*{_APPLY}", 2),
    "the playbook runs": (rf"Starting .*{_APPLY}", 20),
    "the configuration has just been applied": (rf"Finished .*{_APPLY}", 0),
    "the root file system grows": (r"EXT4-fs \(vda2\): resizing", 0),
    "the report is written": ("Started .*pvs-bridge-boot-config-report", 5),
}


@pytest.mark.parametrize("moment", CUTS)
def test_the_bridge_works_after_a_power_cut_in_the_first_boot(
    image: Path, process: str, record_property: Record, moment: str
) -> None:
    shown, seconds_later = CUTS[moment]
    with flashed(f"t-cut-{process}", image) as pi:
        imager_files.fill_in(pi.card, pi.public_key)
        pi.power_on()
        pi.wait_for_console(shown)
        if seconds_later:
            pi.wait_guest_seconds(seconds_later)
        pi.power_off()
        pi.power_on()
        pi.wait_for_device_list()
        record_property("seconds from power on to DeviceList", round(pi.uptime_seconds()))
        pi.wait_for_report(WORKS)
        pi.wait_for_boot()
