"""Read the Pi's vitals from the kernel's files."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

from pvs_bridge.errors import Issue
from pvs_bridge.host.overlay import Root
from pvs_bridge.host.paths import MQTT_ISSUE, TAKEN_PORT, TAKEN_PORTS
from pvs_bridge.host.vitals import Vitals, read_throttled
from pvs_bridge.text import clean

_TAKEN_PORT = re.compile(rf"^{TAKEN_PORT}(\d+)=", re.MULTILINE)
_ERRORS = ("rx_errors", "tx_errors")
_MIB = 1024 * 1024
_LONGEST_ISSUE = 4096


def read_vitals(interfaces: Iterable[str], wifi: str, root: Path, card: Path) -> Vitals:
    """Read the Pi's vitals, apart from the time since its start.

    Args:
        interfaces: The interfaces whose damaged packets are counted.
        wifi: The interface whose Wi-Fi level is read.
        root: The root of the file system; a folder in tests.
        card: A folder on the card that this program may write to; the sandbox makes all others
            read-only.
    """
    power = read_throttled(_text(root / "sys/devices/platform/soc/soc:firmware/get_throttled"))
    low = _low_voltage(root)
    now = None if power is None else power.under_voltage_now
    since = None if power is None else power.under_voltage
    if low is not None:
        now, since = bool(now or low), bool(since or low)
    millidegrees = _number(root / "sys/class/thermal/thermal_zone0/temp")
    found = _statvfs(card)
    locked = _locked(root)
    overlay = _statvfs(root) if locked else None
    memory = _memory_mib(root)
    return Vitals(
        under_voltage=since,
        under_voltage_now=now,
        throttled=None if power is None else power.throttled,
        throttled_since_start=None if power is None else power.throttled_since_start,
        temperature_celsius=None if millidegrees is None else round(millidegrees / 1000, 1),
        signal_dbm=_signal(root, wifi),
        card_free_mib=None if found is None else _free_mib(found),
        # btrfs reports 0 of 0 entries.
        card_free_entries=found.f_favail if found and found.f_files else None,
        card_read_only=None if found is None else bool(found.f_flag & os.ST_RDONLY),
        memory_free_mib=memory.get("MemAvailable"),
        memory_mib=memory.get("MemTotal"),
        root_locked=locked,
        root_memory_free_mib=None if overlay is None else _free_mib(overlay),
        root_memory_mib=None if overlay is None else _size_mib(overlay),
        errors={
            name: sum(_number(_statistics(root, name) / each) or 0 for each in _ERRORS)
            for name in interfaces
            if _statistics(root, name).is_dir()
        },
    )


def _statistics(root: Path, interface: str) -> Path:
    return root / "sys/class/net" / interface / "statistics"


def read_taken_ports(root: Path) -> list[int]:
    """Return the ports that the bridge does not serve, because another program holds them."""
    return [int(port) for port in _TAKEN_PORT.findall(_text(root / TAKEN_PORTS) or "")]


def read_mqtt_issue(root: Path) -> Issue | None:
    """Return what the MQTT service says about its broker; None if the broker works."""
    try:
        # A service without privileges writes the file, so that a pipe must not stop the monitor.
        handle = os.open(root / MQTT_ISSUE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            found = json.loads(file.read(_LONGEST_ISSUE))
        return Issue(clean(found["problem"], 300), clean(found["hint"], 600))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    with contextlib.suppress(ValueError):
        return int(_text(path))
    return None


def _low_voltage(root: Path) -> bool | None:
    for folder in (root / "sys/class/hwmon").glob("hwmon*"):
        if _text(folder / "name") == "rpi_volt":
            alarm = _number(folder / "in0_lcrit_alarm")
            return None if alarm is None else bool(alarm)
    return None


def _signal(root: Path, interface: str) -> int | None:
    for line in _text(root / "proc/net/wireless").splitlines():
        name, _, values = line.partition(":")
        with contextlib.suppress(ValueError, IndexError):
            if name.strip() == interface:
                level = int(float(values.split()[2]))
                # A driver that does not know the level reports 0 or an impossible value.
                return level if -120 < level < 0 else None
    return None


def _locked(root: Path) -> bool | None:
    try:
        return Root(root).locked
    except OSError:
        return None


def _statvfs(folder: Path) -> os.statvfs_result | None:
    try:
        return os.statvfs(folder)
    except OSError:
        return None


def _free_mib(found: os.statvfs_result) -> int:
    return found.f_bavail * found.f_frsize // _MIB


def _size_mib(found: os.statvfs_result) -> int:
    return found.f_blocks * found.f_frsize // _MIB


def _memory_mib(root: Path) -> dict[str, int]:
    lines = _text(root / "proc/meminfo").splitlines()
    fields = (line.split() for line in lines if line.startswith(("MemTotal:", "MemAvailable:")))
    return {name.removesuffix(":"): int(kib) // 1024 for name, kib, *_ in fields}
