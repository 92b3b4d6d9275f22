"""How the Pi itself is: voltage, temperature, radio and card, and what of it is worth a word."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pvs_bridge_care.config import Config
from pvs_bridge_health import chain
from pvs_bridge_health.plant import Plant

# Of get_throttled: what is so now, and what was since the Pi's start.
_UNDER_VOLTAGE_NOW, _THROTTLED_NOW = 1 << 0, 1 << 2
_UNDER_VOLTAGE_SINCE = 1 << 16
_ERRORS = ("rx_errors", "tx_errors")
_ERRORS_A_LOOK = 20
_UNLOCKED_SECONDS = 3600
_ROOT_MEMORY_FREE_PERCENT = 20
_CALM = {"temperature": 3, "signal": 3, "card": 20, "flash": 2}
"""How far beyond its limit a value has to be before its warning goes: else it would come and go."""


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


@dataclass(frozen=True)
class Concern:
    """Something that will break the chain some day, or has made it slow.

    Attributes:
        name: by which it is known.
        problem: what is wrong, in words.
        cure: what helps.
    """

    name: str
    problem: str
    cure: str


def read_vitals(health: chain.Config, root: Path, card: Path) -> Vitals:
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


def warnings(
    config: Config,
    vitals: Vitals,
    plant: Plant | None,
    errors_before: Mapping[str, int],
    standing: frozenset[str],
    up_seconds: float,
) -> Iterator[Concern]:
    """Say what is worth a word.

    Args:
        config: the limits.
        vitals: how the Pi is.
        plant: the newest that is known of the PVS.
        errors_before: the interfaces' errors at the look before.
        standing: names of the warnings that were given then.
        up_seconds: since the Pi's start.
    """
    if vitals.under_voltage:
        yield Concern(
            "under_voltage",
            "The Pi has too little voltage."
            if vitals.under_voltage_now
            else "The Pi has had too little voltage since its start.",
            "Give it a supply of its own with 5.1 V and a short, thick cable; a PVS's USB port is "
            "often too weak.",
        )
    hot = vitals.temperature_celsius
    if hot is not None and hot >= config.temperature_celsius - _calm("temperature", standing):
        yield Concern(
            "temperature",
            f"The Pi is hot: {hot:.0f} °C.",
            "Give it shade and air: it slows down from 80 °C on, and its card ages.",
        )
    elif vitals.throttled:
        yield Concern(
            "throttled",
            "The Pi is slowed down.",
            "Look at its power supply and its temperature.",
        )
    level = vitals.signal_dbm
    if level is not None and level < config.signal_dbm + _calm("signal", standing):
        yield Concern(
            "signal",
            f"The Wi-Fi is weak: {level} dBm.",
            "Bring Pi and router closer together, or put a repeater between the two.",
        )
    free = vitals.card_free_mib
    if vitals.card_read_only:
        yield Concern(
            "card",
            "The Pi's card can only be read.",
            "Restart the Pi; if it stays so, the card is worn out: put a new one in.",
        )
    elif free is not None and free < config.card_free_mib + _calm("card", standing):
        yield Concern(
            "card",
            f"The Pi's card is nearly full: {free} MiB are free.",
            "Remove what does not belong to the bridge; sudo apt-get clean helps as well.",
        )
    yield from _about_the_root(config, vitals, up_seconds)
    for name, count in vitals.errors.items():
        if count - errors_before.get(name, count) >= _ERRORS_A_LOOK:
            yield Concern(
                f"errors_{name}",
                f"Packets arrive damaged at {name}.",
                "Push the cable's plugs in, or try another cable; with Wi-Fi, something disturbs.",
            )
    flash = plant.supervisor.flash_free_kib if plant and plant.supervisor else None
    if flash is not None and flash < (config.pvs_flash_free_mib + _calm("flash", standing)) * 1024:
        yield Concern(
            "flash",
            f"The PVS's own flash is nearly full: {flash // 1024} MiB are free.",
            "Let fewer programs ask the PVS, and raise proxy_cache_seconds: old firmware writes "
            "a log of each request.",
        )


def _about_the_root(config: Config, vitals: Vitals, up_seconds: float) -> Iterator[Concern]:
    """Say what is wrong with a root that is locked, or should be.

    To unlock it takes a restart, so it has been unlocked for as long as the Pi is up.
    """
    if config.read_only_root and vitals.root_locked is False and up_seconds >= _UNLOCKED_SECONDS:
        yield Concern(
            "root_unlocked",
            "The Pi's root is to be locked, but has been unlocked for more than an hour.",
            "Finish what it was unlocked for; then sudo pvs-bridge-root lock, or make provision.",
        )
    free, size = vitals.root_memory_free_mib, vitals.root_memory_mib
    if free is not None and size is not None and free * 100 < size * _ROOT_MEMORY_FREE_PERCENT:
        yield Concern(
            "root_memory",
            f"The memory over the Pi's locked root is nearly full: {free} of {size} MiB are free.",
            "Restart the Pi, which forgets what is there. What grows there is found by "
            "sudo du -x /media/root-rw/overlay | sort -n.",
        )


def _calm(name: str, standing: frozenset[str]) -> int:
    return _CALM[name] if name in standing else 0


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
