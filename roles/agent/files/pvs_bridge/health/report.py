"""The result of a health check."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from pvs_bridge.config import HealthConfig
from pvs_bridge.errors import Issue
from pvs_bridge.health.outcomes import BROKEN, OK, OUTCOMES
from pvs_bridge.pvs.devices import Plant
from pvs_bridge.pvs.errors import CERTIFICATE_CHANGED

OLD, TRANSLATED, NEW = "old", "translated", "new"
"""How the panels' data can be read: from the PVS's device list, from one that the compat service
makes from the new API, or from the new API only."""


@dataclass(frozen=True)
class Link:
    """The state of one link.

    Attributes:
        name: A key of LINKS.
        state: OK, BROKEN or UNKNOWN.
        seen: What the check found.
        outcome: A key of OUTCOMES if the link is broken.
        facts: Values for the text of the outcome.
    """

    name: str
    state: str
    seen: str
    outcome: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """The state of all links, and the plant if the PVS has sent it.

    Attributes:
        links: In the order of LINKS.
        plant: None if there is no device list.
        seconds: How long the check took.
        config: What was checked.
        interface: OLD, TRANSLATED or NEW; None if the panels' data cannot be read.
        certificate_changed: The PVS has another certificate than before.
        broker: What is wrong with the MQTT broker; the monitor reads that by itself.
    """

    links: tuple[Link, ...]
    plant: Plant | None
    seconds: float
    config: HealthConfig
    interface: str | None = None
    certificate_changed: bool = False
    broker: Issue | None = None

    @property
    def broken(self) -> Link | None:
        """The first broken link, which explains those after it."""
        return next((link for link in self.links if link.state == BROKEN), None)

    @property
    def healthy(self) -> bool:
        """Whether no link is broken and the PVS has answered through the proxy."""
        return self.broken is None and self.links[-1].state == OK

    @property
    def issue(self) -> Issue | None:
        """What is wrong with the first broken link; None if no link is broken."""
        return issue_of(self.broken, self.config) if self.broken else None

    @property
    def note(self) -> str | None:
        """What the owner of a healthy bridge should know; None for nothing."""
        notes = (
            self._closed_to,
            CERTIFICATE_CHANGED if self.certificate_changed else None,
            f"{self.broker.problem}. {self.broker.hint}" if self.broker else None,
        )
        return " ".join(filter(None, notes)) or None

    @property
    def _closed_to(self) -> str | None:
        if self.interface == NEW:
            return (
                "The PVS's firmware has closed the device list, and compat_mode is off: only "
                "programs that use /auth and /vars can read the panels."
            )
        if self.interface == TRANSLATED and not self.config.proxy_serves_home:
            return (
                "The PVS's firmware has closed the device list. In bridge_mode routed, programs in "
                "the home ask the PVS itself and must use /auth and /vars; only the Pi gets a "
                "device list from the bridge."
            )
        return None


def issue_of(link: Link, config: HealthConfig) -> Issue | None:
    """Return what is wrong with a link, with its facts filled in; None if it is not broken."""
    if link.outcome is None:
        return None
    network = None if config.pvs_at_home else config.pvs_network
    facts = {**dataclasses.asdict(config), "pvs_network": network, **link.facts}
    outcome = OUTCOMES[link.outcome]
    return Issue(outcome.problem.format_map(facts), outcome.hint.format_map(facts))
