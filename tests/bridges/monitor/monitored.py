"""A bridge in a lab whose monitor runs when a test starts it."""

from __future__ import annotations

import json
from typing import Any

from bridges.rollback.bridge import Bridge

from pvs_lab.errors import LabError

VARIABLES: dict[str, Any] = {
    "console_dns_enabled": True,
    "proxy_cache_seconds": 2,
    "status_announce_pvs": True,
}
_STATE = "/run/pvs-bridge-monitor/state.json"
_EVENTS = "/var/lib/pvs-bridge-monitor/events.jsonl"
_RUN = "systemctl start pvs-bridge-monitor.service"
# Make the faults older and count steps as done; the last request to the PVS becomes old enough for
# another one.
_AGE = """python3 -c '
import json
path = "{path}"
state = json.load(open(path))
for fault in state["faults"]:
    fault["since"] -= {seconds}
    fault["plan_since"] -= {seconds}
    fault["steps_done"] += {steps_done}
state["asked"] = (state["asked"] or 0) - max({seconds}, 60)
json.dump(state, open(path, "w"))'"""


class MonitoredBridge(Bridge):
    """A lab whose Pi is a bridge."""

    def reset(self) -> None:
        """Delete state and events."""
        self.output("bridge", f"rm -f {_STATE} {_EVENTS}")

    def run_monitor(self) -> dict[str, Any]:
        """Run the monitor once, and return the status document that the home then gets."""
        self.output("bridge", _RUN)
        return self.page()

    def age(self, seconds: float, steps_done: int = 0) -> dict[str, Any]:
        """Make the faults older and run the monitor; the PVS may be asked.

        Args:
            seconds: The time by which they become older.
            steps_done: The steps of their plans that count as done.
        """
        self.output("bridge", self.age_command(seconds, steps_done))
        return self.page()

    def age_command(self, seconds: float, steps_done: int = 0) -> str:
        """Return the command of :meth:`age`."""
        age = _AGE.format(path=_STATE, seconds=seconds, steps_done=steps_done)
        return f"{age} && {_RUN}"

    def remove_default_route(self) -> None:
        """Remove the default route; the client in the same network is still reachable."""
        self.run("bridge", "ip -4 route flush default dev wlan0")

    def page(self) -> dict[str, Any]:
        """Return the status document that the home gets."""
        command = "curl --fail --silent http://bridge/bridge/status.json"
        page: dict[str, Any] = json.loads(self.output("client", command))
        return page

    def recovers(self) -> bool:
        """Return whether the bridge recovers within the time that a network takes."""
        return self.until(lambda: bool(self.age(0)["healthy"]), 45)

    def has_restarted(self, mark: str) -> bool:
        """Return whether a file in RAM is gone, on a running Pi."""
        try:
            return not self.exists(mark)
        except LabError:
            return False
