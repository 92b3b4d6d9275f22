"""How this machine is: voltage, temperature, radio, card, memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pvs_bridge.config import HealthConfig

# Of get_throttled: what is so now, and what was since the Pi's start.
_UNDER_VOLTAGE_NOW, _THROTTLED_NOW = 1 << 0, 1 << 2


_UNDER_VOLTAGE_SINCE = 1 << 16


_ERRORS = ("rx_errors", "tx_errors")


@dataclass(frozen=True)
class Vitals:
    """What the Pi says of itself; None or empty where it does not.

    Attributes:
        under_voltage: whether it has, or has had since its start, too little voltage.
        under_voltage_now: whether it has.
        throttled: whether it is slowed down, because it is hot or has too little power.
        root_locked: whether memory lies over the root, which a restart forgets.
        root_memory_free_mib: how much of that memory is left.
        root_memory_mib: how much there is of it.
        errors: damaged packets of each interface since the Pi's start.
    """

    under_voltage: bool | None = None
    under_voltage_now: bool | None = None
    throttled: bool | None = None
    temperature_celsius: float | None = None
    signal_dbm: int | None = None
    card_free_mib: int | None = None
    card_read_only: bool | None = None
    memory_free_mib: int | None = None
    root_locked: bool | None = None
    root_memory_free_mib: int | None = None
    root_memory_mib: int | None = None
    errors: Mapping[str, int] = field(default_factory=dict)


def read_vitals(health: HealthConfig, root: Path, card: Path) -> Vitals:
    """Ask the kernel.

    Args:
        health: the interfaces' names.
        root: where its files are.
        card: a folder on the card that this program may write; to it all others are read-only.
    """
    flags = _flags(root)
    low = _low_voltage(root)
    now = None if flags is None else bool(flags & _UNDER_VOLTAGE_NOW)
    since = None if flags is None else bool(flags & (_UNDER_VOLTAGE_NOW | _UNDER_VOLTAGE_SINCE))
    if low is not None:
        now, since = bool(now or low), bool(since or low)
    millidegrees = _number(root / "sys/class/thermal/thermal_zone0/temp")
    free_mib, read_only = _card(card)
    locked = _locked(root)
    root_free_mib, root_mib = _space(root) if locked else (None, None)
    errors = {
        name: sum(_number(_statistics(root, name) / each) or 0 for each in _ERRORS)
        for name in (health.pvs_interface, health.uplink_interface)
        if _statistics(root, name).is_dir()
    }
    return Vitals(
        under_voltage=since,
        under_voltage_now=now,
        throttled=None if flags is None else bool(flags & _THROTTLED_NOW),
        temperature_celsius=None if millidegrees is None else round(millidegrees / 1000, 1),
        signal_dbm=_signal(root, health.uplink_interface),
        card_free_mib=free_mib,
        card_read_only=read_only,
        memory_free_mib=_memory(root),
        root_locked=locked,
        root_memory_free_mib=root_free_mib,
        root_memory_mib=root_mib,
        errors=errors,
    )


def _statistics(root: Path, interface: str) -> Path:
    return root / "sys/class/net" / interface / "statistics"


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    with contextlib.suppress(ValueError):
        return int(_text(path) or "")
    return None


def _flags(root: Path) -> int | None:
    with contextlib.suppress(ValueError):
        text = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
        return int(text or "", 16)
    return None


def _low_voltage(root: Path) -> bool | None:
    for folder in (root / "sys/class/hwmon").glob("hwmon*"):
        if _text(folder / "name") == "rpi_volt":
            alarm = _number(folder / "in0_lcrit_alarm")
            return None if alarm is None else bool(alarm)
    return None


def _signal(root: Path, interface: str) -> int | None:
    for line in (_text(root / "proc/net/wireless") or "").splitlines():
        name, _, values = line.partition(":")
        with contextlib.suppress(ValueError, IndexError):
            if name.strip() == interface:
                level = int(float(values.split()[2]))
                # What does not know its level says 0 or less than can be.
                return level if -120 < level < 0 else None
    return None


def _card(folder: Path) -> tuple[int | None, bool | None]:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None, None
    return found.f_bavail * found.f_frsize // (1024 * 1024), bool(found.f_flag & os.ST_RDONLY)


def _locked(root: Path) -> bool | None:
    """Tell whether Debian's overlayroot has laid memory over the root."""
    mounts = _text(root / "proc/mounts")
    if mounts is None:
        return None
    rows = (line.split() for line in mounts.splitlines())
    return any(row[:3] == ["overlayroot", "/", "overlay"] for row in rows)


def _space(folder: Path) -> tuple[int | None, int | None]:
    """Return free and whole size of a file system, in MiB."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None, None
    mib = 1024 * 1024
    return found.f_bavail * found.f_frsize // mib, found.f_blocks * found.f_frsize // mib


def _memory(root: Path) -> int | None:
    for line in (_text(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return None
