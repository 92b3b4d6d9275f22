"""The way home: whether it is there, by the kernel's word, and why not, by NetworkManager's."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# NetworkManager's numbers for why a device is not connected.
_REFUSED = frozenset({7, 8, 9, 10, 11})
_NOT_IN_RANGE = 53
_NO_ADDRESS = frozenset({5, 15, 16, 17})
_DISCARD_PORT = 9
_COMPLETE = 0x2
_NO_SUCH_DEVICE = 10  # as nmcli ends


@dataclass(frozen=True)
class Way:
    """The way home.

    Attributes:
        there: whether the Pi has one.
        reason: why not, in plain words; empty where nobody knows.
    """

    there: bool
    reason: str = ""


def wait(
    variables: Mapping[str, Any],
    seconds: float,
    step_seconds: float = 2.0,
) -> Way:
    """Wait for the way home.

    Args:
        variables: the bridge's.
        seconds: how long at most.
        step_seconds: how long between two looks.
    """
    interface = str(variables.get("uplink_interface", "wlan0"))
    deadline = time.monotonic() + seconds
    said = ""
    while not leads_home(interface):
        # The guard tries again and again; what was said last before it did is the reason.
        said = reason(interface) or said
        if time.monotonic() >= deadline:
            return Way(False, said)
        time.sleep(step_seconds)
    return Way(True)


def leads_home(interface: str) -> bool:
    """Whether an interface has a default route whose router is really there."""
    for router in routers(interface):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            # Makes the kernel ask for the router's hardware address.
            out.sendto(b"", (router, _DISCARD_PORT))
        if router in neighbours(interface):
            return True
    return False


def routers(interface: str, table: Path = Path("/proc/net/route")) -> list[str]:
    """Return the routers of an interface's IPv4 default routes."""
    found = []
    for line in table.read_text().splitlines()[1:]:
        name, destination, router, *_, mask = line.split()[:8]
        if name == interface and destination == mask == "00000000":
            found.append(
                str(ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(router), "little")))
            )
    return found


def addresses() -> dict[str, list[str]]:
    """Return the IPv4 addresses of each interface but the loopback, with prefix lengths."""
    done = subprocess.run(
        ["ip", "-json", "-4", "address", "show"], capture_output=True, text=True, check=False
    )
    with contextlib.suppress(ValueError):
        return {
            link["ifname"]: [f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"]]
            for link in json.loads(done.stdout)
            if link and link["ifname"] != "lo"
        }
    return {}


def reason(interface: str) -> str:
    """Say why NetworkManager has no connection, in plain words; empty where it does not know."""
    try:
        done = subprocess.run(
            ["nmcli", "--get-values", "GENERAL.REASON", "device", "show", interface],
            capture_output=True, text=True, check=False, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if done.returncode == _NO_SUCH_DEVICE:
        return f"the Pi has no interface {interface}"
    number = re.match(r"\d+", done.stdout)
    return _plain(int(number[0])) if number else ""


def _plain(number: int) -> str:
    if number in _REFUSED:
        return "the network refuses the passphrase"
    if number == _NOT_IN_RANGE:
        return "no network of this name is in range"
    if number in _NO_ADDRESS:
        return "the network gives no address"
    return ""


def neighbours(interface: str, table: Path = Path("/proc/net/arp")) -> set[str]:
    """Return who has answered on an interface."""
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return {row[0] for row in rows if row[5] == interface and int(row[2], 16) & _COMPLETE}
