"""The connection to the home network, as the kernel sees it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pvs_bridge.host.network import is_connected


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
