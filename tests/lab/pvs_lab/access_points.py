"""The access points of a lab whose Pi has a radio, as the tests use them."""

from __future__ import annotations

import base64

from pvs_lab import radio_card
from pvs_lab.access_point import Network
from pvs_lab.lab_client import LabClient
from pvs_lab.process import wait_until

_POINTS = (1, 2)
_START_TIMEOUT_SECONDS = 60
# By their numbers in IEEE 802.11.
_KEY_MANAGEMENTS = {
    "": "",
    "00-0f-ac-2": "PSK",
    "00-0f-ac-6": "PSK",
    "00-0f-ac-8": "SAE",
}


class AccessPoints:
    """Two access points, each with one network at a time; both lead home.

    Their configuration survives a reboot of the Pi, because it is kept on the card.

    Attributes:
        lab: the lab that they are in.
        offered: by the access points that are on, 1 or 2, their networks.
    """

    def __init__(self, lab: LabClient) -> None:
        """Name the lab, which has just come up."""
        self.lab = lab
        self.offered: dict[int, Network] = {1: radio_card.HOME}

    def put_on(self, network: Network, *, point: int = 1) -> None:
        """Switch an access point on with a network, in place of the one that it had.

        Args:
            network: what it is to offer.
            point: 1 or 2.

        Raises:
            AssertionError: hostapd refused it; its log is in the message.
        """
        text = base64.b64encode(network.hostapd_conf(_radio(point))).decode()
        unit = f"pvs-bridge-lab-ap@{point}"
        self.lab.output(
            "bridge",
            f"echo {text} | base64 --decode > {_file(point)} && sync {_file(point)} "
            f"&& systemctl restart {unit}",
        )
        is_on = f"hostapd_cli -p /run/hostapd -i {_radio(point)} status | grep -qx state=ENABLED"
        if not wait_until(lambda: self.lab.run("bridge", is_on)[0] == 0, _START_TIMEOUT_SECONDS):
            raise AssertionError(f"access point {point} is not on\n{self.log()}")
        self.offered[point] = network

    def switch_off(self, *points: int) -> None:
        """Switch access points off: they send no deauthentication frame.

        Args:
            points: which; all when none is named.
        """
        for point in points or _POINTS:
            self.offered.pop(point, None)
            self.lab.output(
                "bridge",
                f"ip -n air link set {_radio(point)} down "
                f"&& systemctl stop pvs-bridge-lab-ap@{point} && rm -f {_file(point)}",
            )

    def serves_the_bridge(self, *, point: int = 1) -> bool:
        """Return whether the Pi is authorized in an access point's network."""
        stations = f"ip netns exec air iw dev {_radio(point)} station dump"
        return self.lab.run("bridge", f"{stations} | grep -q 'authorized:.*yes'")[0] == 0

    def key_management(self, *, point: int = 1) -> str:
        """Return how the Pi has authenticated.

        Returns:
            ``SAE``, WPA3's way, or ``PSK``, WPA2's; nothing in an open network.
        """
        ask = f"hostapd_cli -p /run/hostapd -i {_radio(point)} all_sta"
        said = self.lab.output("bridge", f"{ask} | sed -n 's/^AKMSuiteSelector=//p'")
        return _KEY_MANAGEMENTS[said.strip()]

    def log(self) -> str:
        """Return the log of the access points since the Pi's last boot."""
        units = " ".join(f"--unit pvs-bridge-lab-ap@{point}" for point in _POINTS)
        return self.lab.run("bridge", f"journalctl --boot --no-pager --lines 60 {units}")[1]


def _radio(point: int) -> str:
    return f"wlan{point}"


def _file(point: int) -> str:
    return f"/var/lib/pvs-bridge-lab/ap-{point}.conf"
