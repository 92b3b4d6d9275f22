"""The way home: whether it is there, by the kernel's word."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_DISCARD_PORT = 9
_COMPLETE = 0x2


def wait(
    variables: Mapping[str, Any],
    seconds: float,
    step_seconds: float = 2.0,
) -> bool:
    """Wait for the way home.

    Args:
        variables: the bridge's.
        seconds: how long at most.
        step_seconds: how long between two looks.

    Returns:
        whether there is one.
    """
    interface = str(variables.get("uplink_interface", "wlan0"))
    deadline = time.monotonic() + seconds
    while not leads_home(interface):
        if time.monotonic() >= deadline:
            return False
        time.sleep(step_seconds)
    return True


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


def neighbours(interface: str, table: Path = Path("/proc/net/arp")) -> set[str]:
    """Return who has answered on an interface."""
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return {row[0] for row in rows if row[5] == interface and int(row[2], 16) & _COMPLETE}
