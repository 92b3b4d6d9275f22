"""Why the Pi is not connected to the home network, from NetworkManager's journal of this boot.

The device's property GENERAL.REASON is empty again a moment after a failure.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_SILENT = "the access point rejects the Pi; the passphrase may be wrong, or the signal too weak"
_NO_ADDRESS = "the network does not assign an address (DHCP)"
_AWAY = "a network of this name is not in range"
# The names are those of NetworkManager's nm_device_state_reason_to_string. It reports no-secrets
# after the access point has refused the stored passphrase.
_REASONS = {
    "no-secrets": "the access point refuses the passphrase",
    "supplicant-disconnect": _SILENT,
    "supplicant-failed": _SILENT,
    "supplicant-timeout": _SILENT,
    "ssid-not-found": _AWAY,
    "ip-config-unavailable": _NO_ADDRESS,
    "dhcp-start-failed": _NO_ADDRESS,
    "dhcp-error": _NO_ADDRESS,
    "dhcp-failed": _NO_ADDRESS,
}
_TIMEOUT_SECONDS = 20


def reason(variables: Mapping[str, Any]) -> str:
    """Return why the uplink is not connected; empty if it is unknown.

    Args:
        variables: The bridge's variables.
    """
    interface = str(variables.get("uplink_interface", "wlan0"))
    if not Path("/sys/class/net", interface).exists():
        return f"the Pi has no interface {interface}"
    wanted = variables.get("uplink_networks") or []
    if wanted and not any(each.get("hidden") for each in wanted):
        # NetworkManager does not try to join a network that is not in range, so it logs nothing.
        found = _printed(
            "nmcli", "--escape", "no", "--get-values", "SSID",
            "device", "wifi", "list", "ifname", interface, "--rescan", "no",
        )  # fmt: skip
        names = {str(each.get("ssid")) for each in wanted}
        if found is not None and names.isdisjoint(found):
            return _AWAY
    journal = _printed("journalctl", "--boot", "--unit=NetworkManager", "--output=cat")
    return _REASONS.get(_last_failure(journal or (), interface), "")


def _last_failure(journal: Iterable[str], interface: str) -> str:
    """Return NetworkManager's reason of the last failure; empty without a failure."""
    failed = re.compile(
        rf"device \({re.escape(interface)}\): state change: \S+ -> failed \(reason '([^']+)'"
    )
    names = [found[1] for found in map(failed.search, journal) if found]
    return names[-1] if names else ""


def _printed(*command: str) -> list[str] | None:
    """Return the lines that a program prints; None if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=True,
            timeout=_TIMEOUT_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()
