"""The Pi's vitals (power, heat, Wi-Fi, card, memory), and the one judgement of them.

The monitor judges what :mod:`pvs_bridge.host.sensors` reads; the doctor judges what it reads over
SSH. Nothing here reads the Pi.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pvs_bridge.errors import Issue

MEMORY_FREE_PERCENT = 5
ROOT_MEMORY_FREE_PERCENT = 20
UNLOCKED_SECONDS = 3600
"""How long a root that should be locked may be unlocked."""
ERRORS_PER_RUN = 20
"""How many damaged packets between two runs are too many."""

_HYSTERESIS = {"temperature": 3, "signal": 3, "card": 20}
"""How far a value must be beyond its limit before its warning ends, so that it does not flap."""

# Bits of get_throttled; the same bits shifted by 16 hold since the Pi's start. Bit 3 (soft
# temperature limit) is left out: a Pi 3B+ sets it from 60 °C on, by design.
_UNDER_VOLTAGE = 1 << 0
_THROTTLED = 1 << 1 | 1 << 2
_SINCE_START = 16


@dataclass(frozen=True)
class Vitals:
    """The state of the Pi; None or empty where it is unknown.

    Attributes:
        under_voltage: Whether the supply voltage is too low, or was since the Pi's start.
        under_voltage_now: Whether the supply voltage is too low.
        throttled: Whether the firmware slows the Pi down, because of heat or low voltage.
        throttled_since_start: Whether it does, or did since the Pi's start.
        temperature_celsius: The temperature of the processor.
        signal_dbm: The level of the Wi-Fi.
        card_free_mib: The free space of the card.
        card_free_entries: How many more files the card can hold; None without such a limit.
        card_read_only: Whether the kernel has made the card read-only.
        memory_free_mib: The memory that programs can get.
        memory_mib: The size of the memory.
        root_locked: Whether an overlay in memory covers the root.
        root_memory_free_mib: The free space of this overlay.
        root_memory_mib: The size of this overlay.
        errors: Damaged packets since the Pi's start, by interface.
        up_seconds: The time since the Pi's start.
    """

    under_voltage: bool | None = None
    under_voltage_now: bool | None = None
    throttled: bool | None = None
    throttled_since_start: bool | None = None
    temperature_celsius: float | None = None
    signal_dbm: int | None = None
    card_free_mib: int | None = None
    card_free_entries: int | None = None
    card_read_only: bool | None = None
    memory_free_mib: int | None = None
    memory_mib: int | None = None
    root_locked: bool | None = None
    root_memory_free_mib: int | None = None
    root_memory_mib: int | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    up_seconds: float | None = None


@dataclass(frozen=True)
class Limits:
    """What counts as normal on one bridge; the keys are those of monitor.json.

    Attributes:
        temperature_celsius: The temperature from which the Pi counts as hot.
        signal_dbm: The level below which the Wi-Fi counts as weak.
        card_free_mib: The free space below which the card counts as nearly full.
        read_only_root: Whether the root should be locked.
    """

    temperature_celsius: int
    signal_dbm: int
    card_free_mib: int
    read_only_root: bool = False


@dataclass(frozen=True, kw_only=True)
class VitalsWarning(Issue):
    """A state that slows the bridge down, or will break it.

    Attributes:
        name: Identifies the warning; names do not change.
        severe: Whether the bridge may fail at any moment.
        devices: The serial numbers of the panels that it is about.
    """

    name: str
    severe: bool = False
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Power:
    """What the Pi's firmware reports in get_throttled; see :class:`Vitals`."""

    under_voltage_now: bool
    under_voltage: bool
    throttled: bool
    throttled_since_start: bool


def read_throttled(text: str) -> Power | None:
    """Decode get_throttled, such as ``0x50005`` or ``throttled=0x0``; None for any other text."""
    try:
        flags = int(text.strip().rpartition("=")[2], 16)
    except ValueError:
        return None
    ever = flags | flags >> _SINCE_START
    return Power(
        under_voltage_now=bool(flags & _UNDER_VOLTAGE),
        under_voltage=bool(ever & _UNDER_VOLTAGE),
        throttled=bool(flags & _THROTTLED),
        throttled_since_start=bool(ever & _THROTTLED),
    )


def judge(
    vitals: Vitals,
    limits: Limits,
    active: frozenset[str] = frozenset(),
    errors_before: Mapping[str, int] | None = None,
) -> list[VitalsWarning]:
    """Return the warnings that the Pi's state deserves.

    Args:
        vitals: The state of the Pi.
        limits: What counts as normal.
        active: The names of the warnings of the run before.
        errors_before: The damaged packets at the run before, by interface; without them there is
            no warning about damaged packets.
    """
    power = list(_power(vitals))
    heat = list(_temperature(vitals, limits, active))
    return [
        *power,
        *heat,
        # Low voltage and heat are reasons to be slowed down, and have a warning of their own.
        *([] if power or heat else _throttled(vitals)),
        *_signal(vitals, limits, active),
        *_card(vitals, limits, active),
        *_memory(vitals),
        *_root(vitals, limits),
        *_packets(vitals, errors_before or {}),
    ]


def _power(vitals: Vitals) -> Iterator[VitalsWarning]:
    if vitals.under_voltage:
        now = bool(vitals.under_voltage_now)
        yield VitalsWarning(
            name="under_voltage",
            problem="The Pi's supply voltage is too low."
            if now
            else "The Pi's supply voltage was too low at least once since the Pi started.",
            hint="Use a separate power supply with 5.1 V and at least 2.5 A, and a short, thick "
            "cable. A PVS's USB port is often too weak.",
            severe=now,
        )


def _temperature(vitals: Vitals, limits: Limits, active: frozenset[str]) -> Iterator[VitalsWarning]:
    celsius = vitals.temperature_celsius
    limit = limits.temperature_celsius - _hysteresis("temperature", active)
    if celsius is not None and celsius >= limit:
        yield VitalsWarning(
            name="temperature",
            problem=f"The Pi is hot: {celsius:.0f} °C.",
            hint="Move it out of the sun, or give it more air or a heat sink. It slows down from "
            "80 °C on, and heat wears its card out.",
        )


def _throttled(vitals: Vitals) -> Iterator[VitalsWarning]:
    if vitals.throttled or vitals.throttled_since_start:
        yield VitalsWarning(
            name="throttled",
            problem="The Pi slows itself down."
            if vitals.throttled
            else "The Pi slowed itself down at least once since it started.",
            hint="Check its power supply and its temperature.",
        )


def _signal(vitals: Vitals, limits: Limits, active: frozenset[str]) -> Iterator[VitalsWarning]:
    level = vitals.signal_dbm
    if level is not None and level < limits.signal_dbm + _hysteresis("signal", active):
        yield VitalsWarning(
            name="signal",
            problem=f"The Wi-Fi signal is weak: {level} dBm.",
            hint="Move the Pi closer to the router, or place a repeater between them. A metal box "
            "around the Pi shields its antenna.",
        )


def _card(vitals: Vitals, limits: Limits, active: frozenset[str]) -> Iterator[VitalsWarning]:
    free, entries = vitals.card_free_mib, vitals.card_free_entries
    if vitals.card_read_only:
        yield VitalsWarning(
            name="card",
            problem="The Pi's card is read-only. The kernel does this after an error of the card.",
            hint="Restart the Pi. If the card is read-only again, it is worn out: write a new one.",
            severe=True,
        )
    elif entries == 0 or free == 0:
        yield VitalsWarning(
            name="card",
            problem="The Pi's card is full: it has "
            f"{'0 MiB' if free == 0 else '0 file system entries'} left.",
            hint=_CLEAN,
            severe=True,
        )
    elif free is not None and free < limits.card_free_mib + _hysteresis("card", active):
        yield VitalsWarning(
            name="card",
            problem=f"The Pi's card is nearly full: {free} MiB are free.",
            hint=_CLEAN,
        )


_CLEAN = (
    "On the Pi: sudo apt-get clean; sudo journalctl --vacuum-size=20M; "
    "sudo du -xh / | sort -h | tail lists the largest folders."
)


def _memory(vitals: Vitals) -> Iterator[VitalsWarning]:
    if _below(vitals.memory_free_mib, vitals.memory_mib, MEMORY_FREE_PERCENT):
        yield VitalsWarning(
            name="memory",
            problem="The Pi's memory is nearly full: "
            f"{vitals.memory_free_mib} of {vitals.memory_mib} MiB are available.",
            hint="On the Pi, ps -e -o rss,comm --sort=-rss | head lists the largest programs. "
            "Restart the Pi if you cannot stop the program.",
        )


def _root(vitals: Vitals, limits: Limits) -> Iterator[VitalsWarning]:
    # Only a restart unlocks the root, so it has been unlocked since the Pi's start.
    up_seconds = vitals.up_seconds or 0.0
    if limits.read_only_root and vitals.root_locked is False and up_seconds >= UNLOCKED_SECONDS:
        yield VitalsWarning(
            name="root_unlocked",
            problem="The Pi's root should be locked, but has been unlocked for more than an hour.",
            hint="Lock it when the change is done: sudo pvs-bridge overlay lock.",
        )
    free, size = vitals.root_memory_free_mib, vitals.root_memory_mib
    if _below(free, size, ROOT_MEMORY_FREE_PERCENT):
        yield VitalsWarning(
            name="root_memory",
            problem="The overlay in memory over the Pi's locked root is nearly full: "
            f"{free} of {size} MiB are free.",
            hint="Restart the Pi, which empties the overlay. "
            "sudo du -x /media/root-rw/overlay | sort -n lists what grows there.",
        )


def _packets(vitals: Vitals, before: Mapping[str, int]) -> Iterator[VitalsWarning]:
    for name, count in vitals.errors.items():
        if count - before.get(name, count) >= ERRORS_PER_RUN:
            yield VitalsWarning(
                name=f"errors_{name}",
                problem=f"Packets arrive damaged at {name}.",
                hint="Push the cable's plugs in, or try another cable. On Wi-Fi, look for a source "
                "of interference.",
            )


def _below(free: int | None, size: int | None, percent: int) -> bool:
    return free is not None and size is not None and free * 100 < size * percent


def _hysteresis(name: str, active: frozenset[str]) -> int:
    return _HYSTERESIS[name] if name in active else 0
