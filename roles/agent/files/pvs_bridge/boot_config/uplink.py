"""The connection to the home network, as the kernel sees it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping
from typing import Any

from pvs_bridge.host.network import neighbours, routers

_DISCARD_PORT = 9


def wait(
    variables: Mapping[str, Any],
    seconds: float,
    step_seconds: float = 2.0,
) -> bool:
    """Wait for the connection to the home network.

    Args:
        variables: The bridge's variables.
        seconds: The longest wait.
        step_seconds: The time between two checks.

    Returns:
        whether the Pi is connected.
    """
    interface = str(variables.get("uplink_interface", "wlan0"))
    deadline = time.monotonic() + seconds
    while not is_connected(interface):
        if time.monotonic() >= deadline:
            return False
        time.sleep(step_seconds)
    return True


def is_connected(interface: str) -> bool:
    """Return whether the router of an interface's default route answers."""
    for router in routers(interface):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            # Makes the kernel ask for the router's hardware address.
            out.sendto(b"", (router, _DISCARD_PORT))
        if router in neighbours(interface):
            return True
    return False
