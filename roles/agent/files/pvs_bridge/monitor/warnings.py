"""How the Pi itself is: voltage, temperature, radio and card, and what of it is worth a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pvs_bridge.config import MonitorConfig
from pvs_bridge.host.vitals import Vitals
from pvs_bridge.pvs.devices import Plant

_ERRORS_A_LOOK = 20
_UNLOCKED_SECONDS = 3600
_ROOT_MEMORY_FREE_PERCENT = 20
_CALM = {"temperature": 3, "signal": 3, "card": 20, "flash": 2}
"""How far beyond its limit a value has to be before its warning goes: else it would come and go."""


@dataclass(frozen=True)
class Concern:
    """Something that will break the chain some day, or has made it slow.

    Attributes:
        name: by which it is known.
        problem: what is wrong, in words.
        hint: what helps.
    """

    name: str
    problem: str
    hint: str


def warnings(
    config: MonitorConfig,
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


def _about_the_root(config: MonitorConfig, vitals: Vitals, up_seconds: float) -> Iterator[Concern]:
    """Say what is wrong with a root that is locked, or should be.

    To unlock it takes a restart, so it has been unlocked for as long as the Pi is up.
    """
    if config.read_only_root and vitals.root_locked is False and up_seconds >= _UNLOCKED_SECONDS:
        yield Concern(
            "root_unlocked",
            "The Pi's root is to be locked, but has been unlocked for more than an hour.",
            "Lock it again when the change is done: sudo pvs-bridge overlay lock.",
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
