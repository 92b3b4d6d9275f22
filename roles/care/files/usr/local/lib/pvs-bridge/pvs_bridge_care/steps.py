"""The steps of the ladder, as commands, on either network backend.

Each can be taken by hand too: ``pvs-bridge-care step renew pvs``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence

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
    return [
        unit
        for unit, enabled, active in _states(units)
        if enabled and active in ("inactive", "failed")
    ]


def tables_gone(tables: Mapping[str, str]) -> list[str]:
    """Name the units that run, and whose table of nftables is gone all the same.

    Whoever empties all tables, as other firewalls do, takes ours along, and systemd does not see
    it.

    Args:
        tables: a table of the family inet for each unit.
    """
    if not tables:
        return []
    listed = _said(["nft", "list", "tables", "inet"])
    if listed is None:
        return []
    there = {line.rpartition(" ")[2] for line in listed.splitlines()}
    gone = [unit for unit, table in tables.items() if table not in there]
    return [unit for unit, _, active in _states(gone) if active == "active"]


def _states(units: Sequence[str]) -> Iterator[tuple[str, bool, str]]:
    """Of each unit its name, whether it is enabled, and its state; nothing where nobody tells."""
    if not units:
        return
    shown = _said(["systemctl", "show", "--property=Id,UnitFileState,ActiveState", *units])
    for block in (shown or "").strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        if "Id" in values:
            enabled = values.get("UnitFileState", "").startswith("enabled")
            yield values["Id"], enabled, values.get("ActiveState", "")


def _said(command: Sequence[str]) -> str | None:
    """What a command prints; None where it fails."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
