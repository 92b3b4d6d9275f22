"""Why there is no way home, in plain words, by what NetworkManager has said since the Pi started.

Its own record of the reason, GENERAL.REASON, is empty again a moment later.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_SILENT = "the network does not let the Pi in; its passphrase may be wrong, or its signal too weak"
_NO_ADDRESS = "the network gives no address"
_AWAY = "no network of this name is in range"
# As NetworkManager's nm_device_state_reason_to_string calls them. It asks for other secrets, which
# nobody is there to give, where those that it has were refused.
_PLAIN = {
    "no-secrets": "the network refuses the passphrase",
    "supplicant-disconnect": _SILENT,
    "supplicant-failed": _SILENT,
    "supplicant-timeout": _SILENT,
    "ssid-not-found": _AWAY,
    "ip-config-unavailable": _NO_ADDRESS,
    "dhcp-start-failed": _NO_ADDRESS,
    "dhcp-error": _NO_ADDRESS,
    "dhcp-failed": _NO_ADDRESS,
}
_PATIENCE_SECONDS = 20


def reason(variables: Mapping[str, Any]) -> str:
    """Say why an interface does not lead home; empty where nobody knows.

    Args:
        variables: the bridge's.
    """
    interface = str(variables.get("uplink_interface", "wlan0"))
    if not Path("/sys/class/net", interface).exists():
        return f"the Pi has no interface {interface}"
    wanted = variables.get("uplink_networks") or []
    if wanted and not any(each.get("hidden") for each in wanted):
        # Of a network that is not there it never tries to join any, and has nothing to say.
        found = _printed(
            "nmcli", "--escape", "no", "--get-values", "SSID",
            "device", "wifi", "list", "ifname", interface, "--rescan", "no",
        )  # fmt: skip
        names = {str(each.get("ssid")) for each in wanted}
        if found is not None and names.isdisjoint(found):
            return _AWAY
    journal = _printed("journalctl", "--boot", "--unit=NetworkManager", "--output=cat")
    return _PLAIN.get(_last_failure(journal or (), interface), "")


def _last_failure(journal: Iterable[str], interface: str) -> str:
    """Return NetworkManager's name for why it has failed last; empty where it has not."""
    failed = re.compile(
        rf"device \({re.escape(interface)}\): state change: \S+ -> failed \(reason '([^']+)'"
    )
    names = [found[1] for found in map(failed.search, journal) if found]
    return names[-1] if names else ""


def _printed(*command: str) -> list[str] | None:
    """Return the lines that a program prints; None where it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=True,
            timeout=_PATIENCE_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()
