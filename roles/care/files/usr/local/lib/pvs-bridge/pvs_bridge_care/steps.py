"""The steps of the ladder, as commands, on either network backend.

Each can be taken by hand too: ``pvs-bridge-care step renew pvs``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from pvs_bridge_care.config import Config
from pvs_bridge_health import chain

PATIENCE_SECONDS = 90
SIDES = ("pvs", "home")
SIDED = ("renew", "reassociate", "cycle", "drop-route")
NAMES = (*SIDED, "restart-network", "restart-unit", "reboot")
_CLIENT_SOCKETS = "/run/pvs-bridge-care"  # /tmp of a sandbox is not where wpa_supplicant answers to

Commands = list[list[str]]


def commands(config: Config, health: chain.Config, step: str, side: str) -> Commands:
    """Return what a step runs, one command after the other.

    Args:
        config: which network backend there is.
        health: the interfaces' names.
        step: one of :data:`NAMES`.
        side: ``pvs`` or ``home`` for the steps of :data:`SIDED`; the unit's name for
            ``restart-unit``.
    """
    name = health.pvs_interface if side == "pvs" else health.uplink_interface
    if step == "restart-unit":
        return [["systemctl", "restart", side]]
    if step == "restart-network":
        return [["systemctl", "restart", *_daemons(config, health)]]
    if step == "reboot":
        return [["systemctl", "reboot"]]
    if step == "cycle":
        return [["ip", "link", "set", name, "down"], ["ip", "link", "set", name, "up"]]
    if step == "drop-route":
        return [["ip", family, "route", "flush", "default", "dev", name] for family in ("-4", "-6")]
    if config.backend == "networkmanager":
        if side == "pvs":
            return [["nmcli", "--wait", "45", "connection", "up", "pvs-bridge-link"]]
        return [["nmcli", "--wait", "45", "device", "connect", name]]
    if step == "reassociate":
        return [["wpa_cli", "-s", _CLIENT_SOCKETS, "-i", name, "reassociate"]]
    # dhcpcd would start a second daemon, in this service, where there is none.
    return [["systemctl", "is-active", "--quiet", "dhcpcd"], ["dhcpcd", "--rebind", name]]


def _daemons(config: Config, health: chain.Config) -> list[str]:
    if config.backend == "networkmanager":
        return ["NetworkManager.service"]
    if config.uplink_type == "wifi":
        return [f"wpa_supplicant@{health.uplink_interface}.service", "dhcpcd.service"]
    return ["dhcpcd.service"]


def words(step: str, side: str) -> str:
    """Say for a person what a step does."""
    where = {"pvs": "towards the PVS", "home": "towards home"}.get(side, side)
    return {
        "renew": f"asked for an address {where} again",
        "reassociate": f"joined the Wi-Fi {where} again",
        "cycle": f"switched the interface {where} off and on",
        "drop-route": f"removed the default route {where}",
        "restart-network": "restarted what configures the network",
        "restart-unit": f"restarted {where}",
        "reboot": "restarted the Pi",
    }[step]


def run(every: Sequence[Sequence[str]]) -> str | None:
    """Run commands until one fails; what it said then, None where all went well."""
    for command in every:
        try:
            done = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_SECONDS,
            )
        except FileNotFoundError:
            return f"{command[0]} is not on this Pi"
        except subprocess.TimeoutExpired:
            return f"{command[0]} took longer than {PATIENCE_SECONDS} s"
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            return said[-1] if said else f"{command[0]} ended with {done.returncode}"
    return None


def units_down(units: Sequence[str]) -> list[str]:
    """Name those of some units that are there to run at every boot, and do not."""
    if not units:
        return []
    names = "Id,UnitFileState,ActiveState"
    try:
        done = subprocess.run(
            ["systemctl", "show", f"--property={names}", *units],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    found = []
    for block in done.stdout.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        enabled = values.get("UnitFileState", "").startswith("enabled")
        if enabled and values.get("ActiveState") in ("inactive", "failed"):
            found.append(values["Id"])
    return found
