"""The warnings that the monitor gives: about the Pi, its ports, and the PVS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pvs_bridge.config import MonitorConfig
from pvs_bridge.errors import Issue
from pvs_bridge.host.vitals import Limits, Vitals, VitalsWarning, judge
from pvs_bridge.pvs.devices import Plant
from pvs_bridge.pvs.errors import POWER_CYCLE
from pvs_bridge.pvs.known import METER, Known

FLASH, FLASH_WEAR, MISSING = "flash", "flash_wear", "devices_missing"
MQTT = "mqtt"
OF_THE_PVS = frozenset({FLASH, FLASH_WEAR, MISSING})
"""Only a reading of the PVS can end them."""

FLASH_USED_PERCENT = 80
"""From here on, a PVS refuses updates of its firmware."""

RESTARTED_SECONDS = 3 * 86400
"""So long after a restart, a list that is too short is the restart's doing. Two days were seen."""

_FLASH_HYSTERESIS_MIB = 2
_FLASH_HYSTERESIS_PERCENT = 2
_WORN_PERCENT = 90
_FEWER_REQUESTS = (
    "Reduce the number of programs that ask the PVS, and raise proxy_cache_seconds: old firmware "
    "logs each request in its flash."
)


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
    known: Known | None = None,
    taken_ports: Iterable[int] = (),
    broker: Issue | None = None,
) -> list[VitalsWarning]:
    """Return the warnings that hold now.

    Args:
        config: The limits.
        vitals: The state of the Pi.
        plant: The last reading of the PVS; None for none.
        active: The names of the warnings of the run before.
        errors_before: The damaged packets at the run before, by interface.
        known: The devices that the PVS has listed.
        taken_ports: The ports of the bridge that another program holds.
        broker: What the MQTT service says about its broker.
    """
    found = [*judge(vitals, limits_of(config), active, errors_before), *_ports(taken_ports)]
    if broker:
        found.append(VitalsWarning(name=MQTT, problem=f"{broker.problem}.", hint=broker.hint))
    if plant is None:
        return found
    return [*found, *_flash(config, plant, active), *_missing(plant, known or Known())]


def _ports(taken: Iterable[int]) -> Iterator[VitalsWarning]:
    for port in taken:
        yield VitalsWarning(
            name=f"port_{port}",
            problem=f"Another program on the Pi uses port {port}, so the bridge does not serve it.",
            hint=f"See which one: sudo ss -tlnp 'sport = {port}'. Stop it, or give one of the two "
            "another port. Then run: sudo systemctl restart haproxy",
        )


def _flash(config: MonitorConfig, plant: Plant, active: frozenset[str]) -> Iterator[VitalsWarning]:
    supervisor = plant.supervisor
    if supervisor is None:
        return
    free, used = supervisor.flash_free_kib, supervisor.flash_used_percent
    limit = config.pvs_flash_free_mib + (_FLASH_HYSTERESIS_MIB if FLASH in active else 0)
    most = FLASH_USED_PERCENT - (_FLASH_HYSTERESIS_PERCENT if FLASH in active else 0)
    if used is not None and used >= most:
        yield VitalsWarning(
            name=FLASH,
            problem=f"The PVS's flash memory is nearly full: {used} % are in use.",
            hint=f"{_FEWER_REQUESTS} From {FLASH_USED_PERCENT} % on, the PVS refuses updates.",
        )
    # New firmware tells the free space of yesterday.
    elif used is None and free is not None and free < limit * 1024:
        yield VitalsWarning(
            name=FLASH,
            problem=f"The PVS's flash memory is nearly full: {free // 1024} MiB are free.",
            hint=_FEWER_REQUESTS,
        )
    wear = supervisor.flash_wear_percent
    if wear is not None and wear >= _WORN_PERCENT:
        over = "is over" if wear > 100 else f"is {wear - 10} to {wear} % over"
        yield VitalsWarning(
            name=FLASH_WEAR,
            problem=f"The PVS's flash memory is worn: its expected life {over}.",
            hint="Ask the vendor or an installer about a replacement before the PVS fails. Until "
            "then, use few programs, each at most every 5 minutes.",
        )


def _missing(plant: Plant, known: Known) -> Iterator[VitalsWarning]:
    missing = len(known.missing)
    if not missing:
        return
    total = len(known.missing_since)
    uptime = plant.supervisor.uptime_seconds if plant.supervisor else None
    restarted = uptime is None or uptime < RESTARTED_SECONDS
    yield VitalsWarning(
        name=MISSING,
        problem=f"{missing} of {total} known panels and meters are missing from the PVS's list.",
        hint="Wait: after a restart, a PVS lists a part of its devices for minutes to days. Do not "
        "restart it again, because that does not help and the wait begins again."
        if restarted
        else f"The PVS has dropped them without a restart. To restart it once, {POWER_CYCLE}. A "
        "device that was removed is forgotten after two weeks.",
        devices=tuple(each for each in known.missing if not each.startswith(METER)),
    )
