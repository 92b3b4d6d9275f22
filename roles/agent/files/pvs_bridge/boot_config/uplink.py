"""The way home: whether it is there, by the kernel's word."""

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
