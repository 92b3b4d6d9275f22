"""Fixtures: the monitor's files, which the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.monitored import MonitoredBridge, leave_room
from unit.status.scenes import write

ROLE = Path(__file__).resolve().parents[3] / "roles/status"


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MonitoredBridge:
    """Make a bridge with three panels at noon, on a Pi that provides all vitals."""
    leave_room(monkeypatch)
    made = MonitoredBridge(tmp_path)
    write(made.paths.root, "sys/class/thermal/thermal_zone0/temp", "48200")
    write(made.paths.root, "sys/devices/platform/soc/soc:firmware/get_throttled", "0x0")
    write(made.paths.root, "sys/class/net/eth0/statistics/rx_errors", "0")
    write(made.paths.root, "proc/meminfo", "MemAvailable:  300000 kB")
    write(made.paths.root, "proc/self/mounts", "overlayroot / overlay rw 0 0\n")
    write(
        made.paths.root,
        "proc/net/wireless",
        " wlan0: 0000   60.  -52.  -256        0      0      0      0      9        0\n",
    )
    devices = make_devices()
    devices[0] |= {"dl_flash_avail": "98304", "flash_usage": "40", "flashwear_type_b": "0x03"}
    made.probe.answers = [make_reply(body=make_body(devices)) for _ in range(3)]
    made.host.down = ["dnsmasq.service"]
    made.minutes(12)
    made.host.down = []
    return made
