"""Fixtures: a bridge in a lab that sends messages to the client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bridges.monitor.monitored import MonitoredBridge

SECRET = "roof-8Jd2kQpx"  # noqa: S105 - not a secret
PORT = 8099
URL = f"json://anna:{SECRET}@192.168.20.10:{PORT}/{SECRET}"
VARIABLES: dict[str, Any] = {
    "notify_enabled": True,
    "notify_urls": [URL],
    "notify_after_minutes": 1,
    "proxy_cache_seconds": 2,
}
_STATE = "/run/pvs-bridge-monitor/state.json"
# Let the pause after a failed attempt end.
_RETRY = f"""python3 -c '
import json
state = json.load(open("{_STATE}"))
state["attempts"]["at"] -= 1000
json.dump(state, open("{_STATE}", "w"))'"""


class NotifiedBridge(MonitoredBridge):
    """A bridge whose messages arrive at the client.

    Attributes:
        folder: The receiver's files.
    """

    folder: Path

    def forget(self) -> None:
        """Begin with a healthy bridge and without a record, as after the installation."""
        for name in ("got", "status"):
            (self.folder / name).unlink(missing_ok=True)
        self.output("bridge", "rm -f /var/lib/pvs-bridge-notify/record.json")
        self.reset()
        self.run_monitor()
        assert self.recovers(), self.page()  # noqa: S101 - for tests
        # The first reading of the PVS is recorded.
        self.sends()

    def answers(self, status: int) -> None:
        """Let the receiver answer with an HTTP status."""
        (self.folder / "status").write_text(f"{status}")

    def retry(self) -> None:
        """Run the monitor after the pause that follows a failed attempt."""
        self.output("bridge", _RETRY)
        self.run_monitor()
        self.sends()

    def sends(self) -> None:
        """Wait until the service has ended."""
        state = "systemctl show --property=ActiveState --value pvs-bridge-notify"
        self.until(lambda: self.output("bridge", state).strip() != "activating", 60)

    def received(self) -> list[dict[str, Any]]:
        """Return the accepted messages."""
        file = self.folder / "got"
        lines = file.read_text().splitlines() if file.exists() else []
        return [
            json.loads(line["body"]) for line in map(json.loads, lines) if line["status"] == 200
        ]

    @property
    def titles(self) -> list[str]:
        """What the messages say has happened."""
        return [each["title"].partition(": ")[2] for each in self.received()]


@pytest.fixture(scope="session")
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NotifiedBridge]:
    """Make the bridge, with the timer of its monitor stopped."""
    release, backend = request.param.split("-")
    bridge = NotifiedBridge(f"t-notify-{release}")
    bridge.folder = tmp_path_factory.mktemp("received")
    receiver = Path(__file__).with_name("receiver.py")
    files = f"{bridge.folder}/got {bridge.folder}/status"
    try:
        bridge.up_provisioned(release, backend, VARIABLES, "--simulator=--latency-seconds 0.5")
        bridge.output("bridge", "systemctl stop pvs-bridge-monitor.timer")
        begin = f"setsid nohup python3 {receiver} {PORT} {files} > /dev/null 2>&1 & echo $!"
        process = bridge.output("client", begin).strip()
        try:
            yield bridge
        finally:
            bridge.run("client", f"kill {process}")
    finally:
        bridge.command("down")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test on both releases."""
    if "home" in metafunc.fixturenames:
        pis = ("trixie-networkmanager", "bookworm-dhcpcd")
        metafunc.parametrize("home", pis, indirect=True, scope="session")
