"""The result of a health check."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from pvs_bridge.config import HealthConfig
from pvs_bridge.health.outcomes import BROKEN, OK, OUTCOMES
from pvs_bridge.pvs.devices import Plant

OLD, TRANSLATED, NEW = "old", "translated", "new"
"""How the panels' data can be had: from the PVS's device list, from one that the bridge makes out
of the newer interface, or from that interface alone."""


@dataclass(frozen=True)
class Link:
    """One link of the chain as it was found; `outcome` is the key in OUTCOMES if broken."""

    name: str
    state: str
    seen: str
    outcome: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """The whole chain, and the plant where the PVS has described it.

    Attributes:
        interface: How the panels' data can be had; None if they cannot.
    """

    chain: tuple[Link, ...]
    plant: Plant | None
    seconds: float
    config: HealthConfig
    interface: str | None = None

    @property
    def broken(self) -> Link | None:
        """The first broken link, which explains those that follow it."""
        return next((link for link in self.chain if link.state == BROKEN), None)

    @property
    def healthy(self) -> bool:
        """The PVS has answered well through the proxy, and no link is broken."""
        return self.broken is None and self.chain[-1].state == OK

    @property
    def note(self) -> str | None:
        """Which programs a healthy bridge is of no use to; None if there are none."""
        if self.interface == NEW:
            return (
                "The PVS's firmware has closed the device list, and compat_mode is off: only "
                "programs that know /auth and /vars can read the panels."
            )
        if self.interface == TRANSLATED and not self.config.proxy_serves_home:
            return (
                "The PVS's firmware has closed the device list. In bridge_mode routed the home's "
                "programs ask the PVS itself, so they have to know /auth and /vars; the Pi alone "
                "gets a device list from the bridge."
            )
        return None

    @property
    def problem(self) -> str | None:
        """What is wrong; None if nothing is."""
        return self._words("problem")

    @property
    def hint(self) -> str | None:
        """What helps; None if nothing is wrong."""
        return self._words("hint")

    def _words(self, which: str) -> str | None:
        link = self.broken
        if link is None or link.outcome is None:
            return None
        known = dataclasses.asdict(self.config)
        facts = {**known, "pvs_network": self.config.pvs_network, **link.facts}
        text: str = getattr(OUTCOMES[link.outcome], which)
        return text.format_map(facts)
