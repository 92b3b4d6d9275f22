"""The links of the chain as they are now, by the health check's own looks at them.

A glance costs the PVS nothing: it looks at what this Pi itself knows. Only a whole check asks the
PVS, and :func:`check_is_due` keeps that within its budget.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pvs_bridge.config import HealthConfig, MonitorConfig
from pvs_bridge.health import checks
from pvs_bridge.health.outcomes import BROKEN, LINKS, OK, UNKNOWN
from pvs_bridge.health.report import Link, Report
from pvs_bridge.host.probe import ProbeError, World
from pvs_bridge.pvs.devices import Plant

NO_UPLINK = "no way home is described yet"
_NOT_ON_THE_WAY = ("route", "uplink")
_SAID_NO = (
    "answer_refused",
    "damaged_answer",
    "firmware_locked",
    "firmware_refuses_at_random",
    "not_succeeded",
    "not_translated",
    "proxy_refused",
    "pvs_crashed",
)


@dataclass(frozen=True)
class Shown:
    """A link as it is shown.

    Attributes:
        problem: what is wrong, in words; None if nothing is.
        hint: what helps.
    """

    link: str
    title: str
    state: str
    seen: str
    outcome: str | None = None
    problem: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class Seen:
    """The whole chain.

    Attributes:
        links: in the order of the chain.
        asked: whether the PVS was asked for its devices.
        plant: what it has told then.
        interface: by which interface, see the health check.
        note: whom a healthy bridge is of no use to.
    """

    links: tuple[Shown, ...]
    asked: bool = False
    plant: Plant | None = None
    interface: str | None = None
    note: str | None = None


def check_is_due(config: MonitorConfig, now: float, asked: float | None, awaited: bool) -> bool:
    """Tell whether the PVS may and should be asked.

    Args:
        config: how often it is.
        now: seconds of the clock that only grows.
        asked: when it was asked last, on the same clock; None if never.
        awaited: whether a good answer is awaited; never more than one question is asked all the
            same in the time that the proxy shares one answer.
    """
    if asked is None:
        return True
    return now - asked >= (config.proxy_seconds if awaited else config.list_seconds)


def whole(config: MonitorConfig, health: HealthConfig, world: World) -> Seen:
    """Have every link checked, the PVS's answer among them."""
    report = checks.check(health, world)
    links = [_shown(config, link, health) for link in report.chain]
    asked = report.chain[-1].state != UNKNOWN
    return Seen(tuple(links), asked, report.plant, report.interface, report.note)


def glance(
    config: MonitorConfig, health: HealthConfig, world: World, before: Sequence[Mapping[str, Any]]
) -> Seen:
    """Look at what this Pi itself knows; what only the PVS knows is as it was.

    Args:
        config: what is described.
        health: what to look at.
        world: where to look.
        before: the links that were found last.
    """
    looks: dict[str, Callable[[], Link]] = {
        "cable": lambda: checks.check_cable(health, world),
        "lease": lambda: checks.check_lease(health, world),
        "route": lambda: checks.check_route(health, world),
        "proxy": lambda: checks.check_proxy(health, world),
        "uplink": lambda: checks.check_uplink(health, world),
    }
    found = {name: _look(name, look) for name, look in looks.items()}
    if found["cable"].state == BROKEN:
        found["lease"] = Link("lease", UNKNOWN, f"not checked: it needs {LINKS['cable']!r}")
    known = {link["link"]: Shown(**link) for link in before}
    shown = {name: _shown(config, link, health) for name, link in found.items()}
    # What hangs on a link that has just broken is not known any more.
    for name, needs in (("pvs", ("cable", "lease")), ("answer", ("cable", "lease", "proxy"))):
        gone = next((each for each in needs if shown[each].state == BROKEN), None)
        if gone:
            seen = f"not checked: it needs {LINKS[gone]!r}"
            shown[name] = Shown(name, LINKS[name], UNKNOWN, seen)
        else:
            shown[name] = known.get(name) or Shown(name, LINKS[name], UNKNOWN, "not checked yet")
    return Seen(tuple(shown[name] for name in LINKS))


def is_awaited(links: Sequence[Shown]) -> bool:
    """Tell whether the next good answer is worth asking for soon.

    Not where the PVS itself has said no: each question costs it a device list, and what helps takes
    a person, or long.
    """
    return any(
        link.link not in _NOT_ON_THE_WAY and link.state != OK and link.outcome not in _SAID_NO
        for link in links
    )


def _look(name: str, look: Callable[[], Link]) -> Link:
    try:
        return look()
    except ProbeError as error:
        return Link(name, UNKNOWN, str(error))


def _shown(config: MonitorConfig, link: Link, health: HealthConfig) -> Shown:
    if link.name == "uplink" and config.uplink_type == "none":
        return Shown(link.name, LINKS[link.name], UNKNOWN, NO_UPLINK)
    # A report of this one link alone has its words.
    report = Report((link,), None, 0.0, health)
    return Shown(
        link.name,
        LINKS[link.name],
        link.state,
        link.seen,
        link.outcome,
        report.problem,
        report.hint,
    )


def as_data(links: Sequence[Shown]) -> list[dict[str, Any]]:
    """Return links as they are kept."""
    return [dataclasses.asdict(link) for link in links]
