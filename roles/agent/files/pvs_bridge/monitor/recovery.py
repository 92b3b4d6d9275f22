"""The recovery plan: which action follows when a link stays broken, and after which time.

The least disruptive action comes first. A PVS that restarts or refuses is waited for: no action
restarts anything because of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pvs_bridge.config import MonitorConfig
from pvs_bridge.health.outcomes import BROKEN
from pvs_bridge.monitor.links import ShownLink

REPEAT_SECONDS = 3600.0
"""How long after the last step of a plan its first step is due again."""

UNIT_DOWN = "unit_down"
TABLE_GONE = "table_gone"
REBOOT = "reboot"


@dataclass(frozen=True)
class Step:
    """A step of a plan.

    Attributes:
        after_seconds: How long the link has been broken when the step is due.
        action: One of ``actions.NAMES``.
        target: ``pvs``, ``home``, or the unit to restart.
    """

    after_seconds: float
    action: str
    target: str = ""


_RENEW_PVS = (Step(120, "renew", "pvs"), Step(300, "cycle", "pvs"))
# A Pi that has an address does not request another one by itself.
_LEAVE_OTHER_NETWORK = (Step(60, "renew", "pvs"), *_RENEW_PVS)
_WAIT_FOR_PVS = (Step(900, "renew", "pvs"), Step(1800, "cycle", "pvs"))
# pvs-bridge-wifi-guard has run five times by then.
_HOME_WIFI = (
    Step(120, "reassociate", "home"),
    Step(300, "cycle", "home"),
    Step(600, "restart-network"),
    Step(1800, REBOOT),
)
_HOME_CABLE = (Step(300, "cycle", "home"), Step(900, "restart-network"))
_HOME_ADDRESS = (
    Step(120, "renew", "home"),
    Step(300, "cycle", "home"),
    Step(600, "restart-network"),
    Step(1800, REBOOT),
)

PLANS: dict[str, tuple[Step, ...]] = {
    "interface_missing": (Step(1800, REBOOT),),
    "interface_off": (Step(60, "cycle", "pvs"), Step(600, "restart-network"), Step(1800, REBOOT)),
    "no_cable": (Step(600, "cycle", "pvs"),),
    "no_lease": (*_RENEW_PVS, Step(900, "restart-network")),
    "other_network": _LEAVE_OTHER_NETWORK,
    "default_route_taken": (Step(0, "drop-route", "pvs"), *_RENEW_PVS),
    "pvs_silent": _WAIT_FOR_PVS,
    "pvs_restarting": _WAIT_FOR_PVS,
    # No restart of the Pi: if another program has one of the proxy's ports, it has it again after
    # that, and the house may need that program.
    "proxy_down": (Step(120, "restart-unit", "haproxy.service"),),
    "port_taken": (Step(120, "restart-unit", "haproxy.service"),),
    "https_down": (Step(120, "restart-unit", "haproxy.service"),),
    "translator_down": (Step(120, "restart-unit", "pvs-bridge-compat.service"),),
    "uplink_missing": (Step(1800, REBOOT),),
    "uplink_down": _HOME_WIFI,
    "uplink_no_address": _HOME_ADDRESS,
    "uplink_no_route": _HOME_ADDRESS,
}
"""By outcome of the health check. The other outcomes need a person, or time."""


@dataclass(frozen=True)
class Fault:
    """A broken link or unit.

    Attributes:
        name: The link, or ``unit NAME``.
        outcome: What is wrong.
        since: When it broke, in seconds since the Pi's start.
        plan_since: When its plan began, on the same clock.
        steps_done: How many steps of the plan were taken.
        reported: Whether the events have it.
    """

    name: str
    outcome: str
    since: float
    plan_since: float
    steps_done: int = 0
    reported: bool = False


def plan_for(config: MonitorConfig, fault: Fault) -> tuple[Step, ...]:
    """Return the steps for a fault; empty if the bridge cannot repair it."""
    if fault.outcome == TABLE_GONE:
        # At once, because the firewall is open until the table is back.
        return (Step(0, "restart-unit", fault.name.partition(" ")[2]),)
    if fault.outcome == UNIT_DOWN:
        # At the second run, because a restart by hand also stops a unit for a moment.
        return (Step(30, "restart-unit", fault.name.partition(" ")[2]),)
    if fault.outcome == "uplink_down" and config.uplink_type == "ethernet":
        return _HOME_CABLE
    return PLANS.get(fault.outcome, ())


def due(config: MonitorConfig, fault: Fault, now: float) -> Step | None:
    """Return the step that is due for a fault, if any."""
    steps = plan_for(config, fault)
    if fault.steps_done >= len(steps):
        return None
    step = steps[fault.steps_done]
    return step if now - fault.plan_since >= step.after_seconds else None


def after_step(config: MonitorConfig, fault: Fault, now: float) -> Fault:
    """Return a fault with one more step taken; after the last one its plan starts again."""
    done = fault.steps_done + 1
    if done < len(plan_for(config, fault)):
        return replace(fault, steps_done=done)
    return replace(fault, steps_done=0, plan_since=now + REPEAT_SECONDS)


def faults_of(
    links: Iterable[ShownLink], units: Mapping[str, str], known: Iterable[Fault], now: float
) -> list[Fault]:
    """Return the faults that exist now; those that existed before keep their times.

    Args:
        links: The state of the links.
        units: The outcome of each unit that has a fault.
        known: The faults of the run before.
        now: Seconds since the Pi's start.
    """
    before = {fault.name: fault for fault in known}
    return [
        _continued(before.get(name), name, outcome, now) for name, outcome in _broken(links, units)
    ]


def _broken(links: Iterable[ShownLink], units: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for link in links:
        if link.state == BROKEN and link.outcome:
            yield link.link, link.outcome
    for unit, outcome in units.items():
        yield f"unit {unit}", outcome


def _continued(before: Fault | None, name: str, outcome: str, now: float) -> Fault:
    if before is None:
        return Fault(name, outcome, since=now, plan_since=now)
    if before.outcome != outcome:
        # The new outcome has its own plan.
        return replace(before, outcome=outcome, plan_since=now, steps_done=0)
    return before
