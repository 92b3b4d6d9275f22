"""A bridge with a radio, and the air around it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bridges.rollback.bridge import Bridge, Run
from nightly.radio.networks import HOME

from pvs_lab import login, network
from pvs_lab.access_points import AccessPoints
from pvs_lab.playbook import telling_part

# A guest is slow, two at once are slower.
_PATIENCE_SECONDS = 240
_KNOCK = f"socat -u OPEN:/dev/null TCP:{network.BRIDGE_ADDRESS}:22,connect-timeout=1"


class RadioBridge(Bridge):
    """A lab whose Pi has a radio.

    Attributes:
        access_points: the two of its home.
    """

    run_seconds = 1500

    def __init__(self, name: str) -> None:
        """Name the lab."""
        super().__init__(name)
        self.access_points = AccessPoints(self)
        self._told: Sequence[dict[str, Any]] = ()

    def join(self, networks: Sequence[dict[str, Any]], *arguments: str, **more: Any) -> Run:  # noqa: ANN401 - YAML holds anything
        """Provision with these Wi-Fi networks.

        Args:
            networks: the value of ``uplink_networks``.
            arguments: of ``ansible-playbook``.
            more: more variables.
        """
        return self.provision({"uplink_networks": list(networks), **more}, *arguments)

    def knows(self, *networks: dict[str, Any]) -> None:
        """Have the bridge described with these networks, unless it is.

        Raises:
            AssertionError: the run failed.
        """
        if not self.knows_already(*networks):
            run = self.join(networks, "--tags=uplink")
            assert run.status == 0, telling_part(run.output)  # noqa: S101 - for tests
            self._told = networks

    def knows_already(self, *networks: dict[str, Any]) -> bool:
        """Whether the bridge is described with these networks."""
        return self._told == networks

    def is_home(self) -> bool:
        """Whether the home reaches the Pi."""
        return self.run("client", _KNOCK)[0] == 0

    def seconds_until_home(self, *, point: int = 1) -> float:
        """Wait until the Pi is at home by way of an access point.

        Args:
            point: 1 or 2.

        Returns:
            how long it took, by the Pi's clock, which is slower than this machine's while the Pi
            is busy.

        Raises:
            AssertionError: it does not come.
        """
        started = self.uptime_seconds()
        patience_ends = time.monotonic() + _PATIENCE_SECONDS
        while not (self.is_home() and self.access_points.serves_the_bridge(point=point)):
            if time.monotonic() > patience_ends:
                link = self.run("bridge", "iw dev wlan0 link; ip address show wlan0")[1]
                log = self.access_points.log()
                raise AssertionError(f"the Pi does not come home:\n{link}\n{log}")
            time.sleep(0.5)
        return self.uptime_seconds() - started

    def uptime_seconds(self) -> float:
        """How long the Pi has been on, by its own clock."""
        return float(self.output("bridge", "cat /proc/uptime").split()[0])

    def come_home(self) -> None:
        """Make the home what it was when the lab came up, and wait until the Pi is there."""
        if self.access_points.offered != {1: HOME.offered}:
            self.access_points.switch_off(2)
            self.access_points.put_on(HOME.offered)
        self.seconds_until_home()

    def wait_until_gone(self) -> None:
        """Wait until the Pi has noticed that it is in no network any more.

        Raises:
            AssertionError: it does not.
        """
        gone = "! iw dev wlan0 link | grep -q ^Connected"
        assert self.until(lambda: self.run("bridge", gone)[0] == 0, 60)  # noqa: S101 - for tests

    def wait_for_boot(self) -> None:
        """Wait until a login from the home works."""
        login.wait_for(self.name, radio=True)
