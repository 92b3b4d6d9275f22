"""The warnings that the monitor gives: about the Pi, its ports, and the PVS's flash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pvs_bridge.config import MonitorConfig
from pvs_bridge.host.vitals import Limits, Vitals, VitalsWarning, judge
from pvs_bridge.pvs.devices import Plant

FLASH = "flash"
_FLASH_HYSTERESIS_MIB = 2


def limits_of(config: MonitorConfig) -> Limits:
    """Return the limits that a bridge's configuration sets."""
    return Limits(
        temperature_celsius=config.temperature_celsius,
        signal_dbm=config.signal_dbm,
        card_free_mib=config.card_free_mib,
        read_only_root=config.read_only_root,
    )


def warnings(
    config: MonitorConfig,
    vitals: Vitals,
    plant: Plant | None,
    active: frozenset[str],
    errors_before: Mapping[str, int],
    taken_ports: Iterable[int] = (),
) -> list[VitalsWarning]:
    """Return the warnings that hold now.

    Args:
        config: The limits.
        vitals: The state of the Pi.
        plant: The last reading of the PVS; None for none.
        active: The names of the warnings of the run before.
        errors_before: The damaged packets at the run before, by interface.
        taken_ports: The ports of the bridge that another program holds.
    """
    found = judge(vitals, limits_of(config), active, errors_before)
    return [*found, *_flash(config, plant, active), *_ports(taken_ports)]


def _ports(taken: Iterable[int]) -> Iterator[VitalsWarning]:
    for port in taken:
        yield VitalsWarning(
            name=f"port_{port}",
            problem=f"Another program on the Pi uses port {port}, so the bridge does not serve it.",
            hint=f"See which one: sudo ss -tlnp 'sport = {port}'. Stop it, or give one of the two "
            "another port. Then run: sudo systemctl restart haproxy",
        )


def _flash(
    config: MonitorConfig, plant: Plant | None, active: frozenset[str]
) -> Iterator[VitalsWarning]:
    free = plant.supervisor.flash_free_kib if plant and plant.supervisor else None
    limit = config.pvs_flash_free_mib + (_FLASH_HYSTERESIS_MIB if FLASH in active else 0)
    if free is not None and free < limit * 1024:
        yield VitalsWarning(
            name=FLASH,
            problem=f"The PVS's flash memory is nearly full: {free // 1024} MiB are free.",
            hint="Reduce the number of programs that ask the PVS, and raise proxy_cache_seconds: "
            "old firmware logs each request in its flash.",
        )
