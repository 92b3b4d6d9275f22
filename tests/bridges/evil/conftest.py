"""Fixtures: a provisioned bridge of each backend, whose PVS may be hostile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bridges.rollback.bridge import Bridge

PIS = ("trixie-networkmanager", "bookworm-dhcpcd")
# Whatever the PVS says shows at once: no answer is shared, and no old reading is served.
VARIABLES: dict[str, Any] = {
    "proxy_cache_seconds": 0,
    "proxy_https": "passthrough",
    "compat_stale_seconds": 0,
    "status_announce_pvs": True,
}
_SIMULATOR = "--latency-seconds 0 --panels 12 --clock 2026-06-21T20:00:00Z --clock-scale 0"
# haproxy ends a request that the PVS answers without end after a minute.
_LONGEST_SECONDS = 150
_CHECK = "rm --force /run/pvs-bridge-monitor/state.json; systemctl start pvs-bridge-monitor"
_END_PAUSE = r"""python3 -c '
import socket
admin = socket.socket(socket.AF_UNIX)
admin.connect("/run/haproxy/admin.sock")
admin.sendall(b"set server pvs_queue/pvs_serial health up\n")
admin.recv(100)
'"""


class EvilHouse(Bridge):
    """A lab whose PVS may be hostile."""

    def become(self, kind: str | None) -> None:
        """Let the PVS be hostile, or good again, and end the pause that it has caused."""
        self.simulator("/_sim/settings", {"evil": kind})
        self.output("bridge", _END_PAUSE)

    def health(self) -> dict[str, Any]:
        """Return what the health check of the Pi finds."""
        _, printed = self.run(
            "bridge", "pvs-bridge health --json", timeout_seconds=_LONGEST_SECONDS
        )
        found: dict[str, Any] = json.loads(printed)
        return found

    def check(self) -> None:
        """Run the monitor.

        Raises:
            AssertionError: It failed.
        """
        status, printed = self.run("bridge", _CHECK, timeout_seconds=_LONGEST_SECONDS)
        assert status == 0, printed  # noqa: S101 - for tests

    def page(self, name: str) -> str:
        """Return what the bridge serves below /bridge/."""
        return self.output("client", f"curl --silent --max-time 10 http://bridge/bridge/{name}")

    def now(self) -> str:
        """Return the Pi's time, for :meth:`journal`."""
        return self.output("bridge", "date +@%s.%N").strip()

    def journal(self, since: str) -> str:
        """Return the journal of the Pi."""
        return self.output("bridge", f"journalctl --quiet --no-pager --since={since}")


@pytest.fixture(scope="session", params=PIS)
def house(request: pytest.FixtureRequest) -> Iterator[EvilHouse]:
    """A healthy bridge; each test must leave the PVS good."""
    release, backend = request.param.split("-")
    made = EvilHouse(f"t-evil-{release}")
    try:
        made.up_provisioned(release, backend, VARIABLES, f"--simulator={_SIMULATOR}")
        yield made
    finally:
        made.command("down")
