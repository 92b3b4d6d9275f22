"""The first boot loses its power, and the next one makes the bridge all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from image import imager
from image.pi import WORKS, flashed

Record = Callable[[str, object], None]

# As much of a unit as the console has room for.
_APPLY = "pvs-bridge-boot-config-apply"
# What the console shows when the time has come, and how many of the Pi's seconds later the plug is
# pulled.
CUTS = {
    "the description is read": (rf"Starting .*{_APPLY}", 2),
    "the playbook runs": (rf"Starting .*{_APPLY}", 20),
    "the description has just been applied": (rf"Finished .*{_APPLY}", 0),
    "the root file system grows": (r"EXT4-fs \(vda2\): resizing", 0),
    "the report is written": ("Started .*pvs-bridge-boot-config-report", 5),
}


@pytest.mark.parametrize("moment", CUTS)
def test_a_power_cut_in_the_first_boot_costs_no_bridge(
    image: Path, process: str, record_property: Record, moment: str
) -> None:
    shown, seconds_later = CUTS[moment]
    with flashed(f"t-cut-{process}", image) as pi:
        imager.fill_in(pi.card, pi.public_key)
        pi.power_on()
        pi.waits_for_console(shown)
        if seconds_later:
            pi.goes_on_for(seconds_later)
        pi.power_off()
        pi.power_on()
        pi.wait_for_device_list()
        record_property("seconds from power on to DeviceList", round(pi.uptime_seconds()))
        pi.reports(WORKS)
        pi.wait_for_boot()
