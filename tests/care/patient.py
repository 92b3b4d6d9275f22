"""A lab's bridge that falls ill, and is looked after by its own service, look by look."""

from __future__ import annotations

import json
from typing import Any

from rollback.bridge import Bridge

from pvs_lab.errors import LabError

VARIABLES: dict[str, Any] = {
    "console_dns_enabled": True,
    "proxy_cache_seconds": 2,
    "status_announce_pvs": True,
}
_STATE = "/run/pvs-bridge-monitor/state.json"
_INCIDENTS = "/var/lib/pvs-bridge-monitor/incidents.jsonl"
_LOOK = "systemctl start pvs-bridge-monitor.service"
# The faults of the last look become as old as a test wants them, and have climbed as far; its
# question to the PVS is old enough for another.
_AGE = """python3 -c '
import json
path = "{path}"
state = json.load(open(path))
for fault in state["faults"]:
    fault["since"] -= {seconds}
    fault["climbing"] -= {seconds}
    fault["done"] += {climbed}
state["asked"] = (state["asked"] or 0) - max({seconds}, 60)
json.dump(state, open(path, "w"))'"""


class Patient(Bridge):
    """A lab whose Pi is a bridge."""

    def forget(self) -> None:
        """Have it remember nothing, as after a restart of the Pi."""
        self.output("bridge", f"rm -f {_STATE} {_INCIDENTS}")

    def look(self) -> dict[str, Any]:
        """Have the service look once, and return what the page then shows to the home."""
        self.output("bridge", _LOOK)
        return self.page()

    def age(self, seconds: float, climbed: int = 0) -> dict[str, Any]:
        """Let what is broken have been so for a while, and look again; the PVS may be asked.

        Args:
            seconds: by which it is older.
            climbed: rungs of its ladder that count as climbed.
        """
        self.output("bridge", self.older(seconds, climbed))
        return self.page()

    def older(self, seconds: float, climbed: int = 0) -> str:
        """The command that does so."""
        age = _AGE.format(path=_STATE, seconds=seconds, climbed=climbed)
        return f"{age} && {_LOOK}"

    def lose_the_way_home(self) -> None:
        """Take the default route away; the client beside it is still reached."""
        self.run("bridge", "ip -4 route flush default dev wlan0")

    def page(self) -> dict[str, Any]:
        """What the home sees."""
        command = "curl --fail --silent http://bridge/bridge/status.json"
        page: dict[str, Any] = json.loads(self.output("client", command))
        return page

    def recovers(self) -> bool:
        """Whether it is well again after a look or two, within the time that a network takes."""
        return self.until(lambda: bool(self.age(0)["healthy"]), 45)

    def has_restarted(self, mark: str) -> bool:
        """Whether a file in RAM is gone, on a Pi that is on."""
        try:
            return not self.exists(mark)
        except LabError:
            return False
