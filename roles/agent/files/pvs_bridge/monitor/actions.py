"""The steps of the ladder, as commands, on either network backend.

Each can be taken by hand too: ``pvs-bridge monitor step renew pvs``.
"""

from __future__ import annotations

from pvs_bridge.config import HealthConfig, MonitorConfig

SIDES = ("pvs", "home")
SIDED = ("renew", "reassociate", "cycle", "drop-route")
NAMES = (*SIDED, "restart-network", "restart-unit", "reboot")
_CLIENT_SOCKETS = (
    "/run/pvs-bridge-monitor"  # /tmp of a sandbox is not where wpa_supplicant answers to
)

Commands = list[list[str]]


def commands(config: MonitorConfig, health: HealthConfig, step: str, side: str) -> Commands:
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


def _daemons(config: MonitorConfig, health: HealthConfig) -> list[str]:
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
