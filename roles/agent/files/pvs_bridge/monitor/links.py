"""The state of the links: by a quick check, or by a full check that asks the PVS.

A quick check reads only what this Pi knows, which costs the PVS nothing. :func:`full_check_is_due`
limits how often the PVS is asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pvs_bridge.config import HealthConfig, MonitorConfig
from pvs_bridge.health import checks
from pvs_bridge.health.outcomes import BROKEN, LINKS, OK, UNKNOWN
from pvs_bridge.health.report import Link, issue_of
from pvs_bridge.host.probe import Probe
from pvs_bridge.pvs.devices import Plant

NO_UPLINK = "the uplink is not configured yet"
NOT_NEEDED_FOR_ANSWER = ("route", "reach", "uplink")
"""The PVS can be read although one of these links is broken."""
_PVS_REFUSES = (
    "answer_refused",
    "damaged_answer",
    "firmware_locked",
    "firmware_refuses_at_random",
    "firmware_too_old",
    "no_panels",
    "not_succeeded",
    "not_translated",
    "proxy_refused",
    "pvs_crashed",
)


@dataclass(frozen=True)
class ShownLink:
    """A link as the page shows it; see :class:`pvs_bridge.health.report.Link`.

    Attributes:
        problem: What is wrong; None if nothing is.
        hint: What helps.
    """

    link: str
    title: str
    state: str
    seen: str
    outcome: str | None = None
    problem: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class LinkStates:
    """The state of all links.

    Attributes:
        links: In the order of LINKS.
        asked: Whether the PVS was asked for its devices.
        plant: Its answer.
        interface: See :class:`pvs_bridge.health.report.Report`.
        note: Which programs cannot use a healthy bridge.
    """

    links: tuple[ShownLink, ...]
    asked: bool = False
    plant: Plant | None = None
    interface: str | None = None
    note: str | None = None


def full_check_is_due(config: MonitorConfig, now: float, asked: float | None, urgent: bool) -> bool:
    """Return whether the PVS should be asked now.

    Args:
        config: The intervals.
        now: Seconds since the Pi's start.
        asked: When the PVS was asked last, on the same clock; None for never.
        urgent: Whether a good answer is expected. The PVS is still asked only once in the time for
            which the proxy shares one answer.
    """
    if asked is None:
        return True
    return now - asked >= (config.proxy_seconds if urgent else config.list_seconds)


def full_check(config: MonitorConfig, health: HealthConfig, probe: Probe) -> LinkStates:
    """Check every link, the PVS's answer included."""
    report = checks.check(health, probe)
    links = [_shown(config, link, health) for link in report.links]
    asked = report.links[-1].state != UNKNOWN
    return LinkStates(tuple(links), asked, report.plant, report.interface, report.note)


def quick_check(
    config: MonitorConfig, health: HealthConfig, probe: Probe, before: Sequence[Mapping[str, Any]]
) -> LinkStates:
    """Check what this Pi knows; the links that only the PVS knows keep their state.

    Args:
        config: The uplink.
        health: What to check.
        probe: How to see the machine.
        before: The links of the run before.
    """
    each: dict[str, Callable[[], Link]] = {
        "cable": lambda: checks.check_cable(health, probe),
        "lease": lambda: checks.check_lease(health, probe),
        "route": lambda: checks.check_route(health, probe),
        "proxy": lambda: checks.check_proxy(health, probe),
        "reach": lambda: checks.check_reach(health, probe),
        "uplink": lambda: checks.check_uplink(health, probe),
    }
    if health.pvs_at_home:
        each = {name: each[name] for name in ("proxy", "reach", "uplink")}
    found = {name: checks.probed(name, check) for name, check in each.items()}
    if found["proxy"].state == BROKEN:
        found["reach"] = checks.unchecked("reach", "proxy")
    if "cable" in found and found["cable"].state == BROKEN:
        found["lease"] = checks.unchecked("lease", "cable")
    known = {link["link"]: ShownLink(**link) for link in before}
    shown = {name: _shown(config, link, health) for name, link in found.items()}
    # A link that needs a broken one is unknown.
    way = checks.way_to_pvs(health)
    for name, needs in (("pvs", way), ("answer", (*way, "proxy"))):
        broken = next((need for need in needs if shown[need].state == BROKEN), None)
        if broken:
            shown[name] = _shown(config, checks.unchecked(name, broken), health)
        else:
            shown[name] = known.get(name) or ShownLink(
                name, LINKS[name], UNKNOWN, "not checked yet"
            )
    return LinkStates(tuple(shown[name] for name in LINKS if name in shown))


def is_urgent(links: Sequence[ShownLink]) -> bool:
    """Return whether the PVS should be asked soon.

    Not if the PVS itself has refused: each request costs it a device list, and the remedy takes a
    person or a long time.
    """
    return any(
        link.link not in NOT_NEEDED_FOR_ANSWER
        and link.state != OK
        and link.outcome not in _PVS_REFUSES
        for link in links
    )


def may_recover_soon(links: Sequence[ShownLink]) -> bool:
    """Return whether a link is broken that a person at the bridge can repair in a moment."""
    return any(link.state == BROKEN and link.outcome not in _PVS_REFUSES for link in links)


def _shown(config: MonitorConfig, link: Link, health: HealthConfig) -> ShownLink:
    title = LINKS[link.name]
    if link.name == "uplink" and config.uplink_type == "none":
        return ShownLink(link.name, title, UNKNOWN, NO_UPLINK)
    issue = issue_of(link, health)
    if issue is None:
        return ShownLink(link.name, title, link.state, link.seen)
    return ShownLink(
        link.name, title, link.state, link.seen, link.outcome, issue.problem, issue.hint
    )


def as_data(links: Sequence[ShownLink]) -> list[dict[str, Any]]:
    """Return links as the state file has them."""
    return [dataclasses.asdict(link) for link in links]
