"""What is done about a link that stays broken, and when: the ladder.

The gentlest step comes first, and each has its time to work. What belongs to the PVS has no step
that restarts anything: a PVS that restarts, or refuses, is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pvs_bridge.config import MonitorConfig
from pvs_bridge.health.outcomes import BROKEN
from pvs_bridge.monitor.links import Shown

AGAIN_SECONDS = 3600.0
"""When all steps were taken in vain, the ladder is climbed anew after this time."""

UNIT_DOWN = "unit_down"
TABLE_GONE = "table_gone"
REBOOT = "reboot"


@dataclass(frozen=True)
class Rung:
    """A step of the ladder.

    Attributes:
        after_seconds: how long the link has been broken by then.
        step: the name of what is done, see ``steps.py``.
        side: ``pvs``, ``home``, or the unit that the step is about.
    """

    after_seconds: float
    step: str
    side: str = ""


_RENEW_PVS = (Rung(120, "renew", "pvs"), Rung(300, "cycle", "pvs"))
# Whoever has an address does not ask for another one by itself.
_LEAVE_OTHER_NETWORK = (Rung(60, "renew", "pvs"), *_RENEW_PVS)
_WAIT_FOR_THE_PVS = (Rung(900, "renew", "pvs"), Rung(1800, "cycle", "pvs"))
# The guard of the Wi-Fi has had five turns by then.
_HOME_WIFI = (
    Rung(120, "reassociate", "home"),
    Rung(300, "cycle", "home"),
    Rung(600, "restart-network"),
    Rung(1800, REBOOT),
)
_HOME_CABLE = (Rung(300, "cycle", "home"), Rung(900, "restart-network"))
_HOME_ADDRESS = (
    Rung(120, "renew", "home"),
    Rung(300, "cycle", "home"),
    Rung(600, "restart-network"),
    Rung(1800, REBOOT),
)

LADDERS: dict[str, tuple[Rung, ...]] = {
    "interface_missing": (Rung(1800, REBOOT),),
    "interface_off": (Rung(60, "cycle", "pvs"), Rung(600, "restart-network"), Rung(1800, REBOOT)),
    "no_cable": (Rung(600, "cycle", "pvs"),),
    "no_lease": (*_RENEW_PVS, Rung(900, "restart-network")),
    "other_network": _LEAVE_OTHER_NETWORK,
    "default_route_taken": (Rung(0, "drop-route", "pvs"), *_RENEW_PVS),
    "pvs_silent": _WAIT_FOR_THE_PVS,
    "pvs_restarting": _WAIT_FOR_THE_PVS,
    "proxy_down": (Rung(120, "restart-unit", "haproxy.service"), Rung(1800, REBOOT)),
    "translator_down": (Rung(120, "restart-unit", "pvs-bridge-compat.service"),),
    "uplink_missing": (Rung(1800, REBOOT),),
    "uplink_down": _HOME_WIFI,
    "uplink_no_address": _HOME_ADDRESS,
    "uplink_no_route": _HOME_ADDRESS,
}
"""By outcome of the health check; what is not named here is for a person, or for time."""


@dataclass(frozen=True)
class Fault:
    """A link, or a unit, that is broken.

    Attributes:
        name: the link's, or ``unit NAME``.
        outcome: what is wrong with it.
        since: when it was found so, on the clock that only grows.
        climbing: when the ladder was begun, on the same clock.
        done: how many of its rungs were climbed.
        told: whether the incident was written down.
    """

    name: str
    outcome: str
    since: float
    climbing: float
    done: int = 0
    told: bool = False


def ladder_of(config: MonitorConfig, fault: Fault) -> tuple[Rung, ...]:
    """Return the rungs for a fault; none where nothing can be done here."""
    if fault.outcome == TABLE_GONE:
        # Nobody takes it away for a moment, and until it is back everything is open.
        return (Rung(0, "restart-unit", fault.name.partition(" ")[2]),)
    if fault.outcome == UNIT_DOWN:
        # A second look: whoever restarts a service by hand has stopped it for a moment.
        return (Rung(30, "restart-unit", fault.name.partition(" ")[2]),)
    if fault.outcome == "uplink_down" and config.uplink_type == "ethernet":
        return _HOME_CABLE
    return LADDERS.get(fault.outcome, ())


def due(config: MonitorConfig, fault: Fault, now: float) -> Rung | None:
    """Return the rung that a fault has come to, if any."""
    rungs = ladder_of(config, fault)
    if fault.done >= len(rungs):
        return None
    rung = rungs[fault.done]
    return rung if now - fault.climbing >= rung.after_seconds else None


def climbed(config: MonitorConfig, fault: Fault, now: float) -> Fault:
    """Return a fault of which one more rung was climbed; behind the last the ladder begins anew."""
    rungs = ladder_of(config, fault)
    done = fault.done + 1
    if done < len(rungs):
        return replace(fault, done=done)
    return replace(fault, done=0, climbing=now + AGAIN_SECONDS)


def faults_of(
    links: Iterable[Shown], units: Mapping[str, str], known: Iterable[Fault], now: float
) -> list[Fault]:
    """Return what is broken now, with the memory of what of it was so before.

    Args:
        links: as they were found.
        units: those with which something is wrong, and what.
        known: faults of the look before.
        now: seconds of the clock that only grows.
    """
    before = {fault.name: fault for fault in known}
    return [
        _continued(before.get(name), name, outcome, now) for name, outcome in _broken(links, units)
    ]


def _broken(links: Iterable[Shown], units: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for link in links:
        if link.state == BROKEN and link.outcome:
            yield link.link, link.outcome
    for unit, outcome in units.items():
        yield f"unit {unit}", outcome


def _continued(before: Fault | None, name: str, outcome: str, now: float) -> Fault:
    if before is None:
        return Fault(name, outcome, since=now, climbing=now)
    if before.outcome != outcome:
        # Something else of the same link: what helps against it was not tried yet.
        return replace(before, outcome=outcome, climbing=now, done=0)
    return before
