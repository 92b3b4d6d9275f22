"""The commands of each recovery action, on either network backend.

Each can be run by hand too: ``pvs-bridge monitor step renew pvs``.
"""

from __future__ import annotations

from pvs_bridge.config import HealthConfig, MonitorConfig

SIDES = ("pvs", "home")
SIDED = ("renew", "reassociate", "cycle", "drop-route")
NAMES = (*SIDED, "restart-network", "restart-unit", "reboot")
# wpa_supplicant cannot answer to a socket in the sandbox's own /tmp.
_CLIENT_SOCKETS = "/run/pvs-bridge-monitor"

Commands = list[list[str]]

AGAIN_SOON: Commands = [["systemctl", "restart", "--no-block", "pvs-bridge-monitor-again.timer"]]
"""Run the monitor again in a few seconds."""


def commands(config: MonitorConfig, health: HealthConfig, action: str, target: str) -> Commands:
    """Return the commands of an action, in order.

    Args:
        config: The network backend.
        health: The names of the interfaces.
        action: One of :data:`NAMES`.
        target: ``pvs`` or ``home`` for the actions of :data:`SIDED`; the unit for
            ``restart-unit``.
    """
    name = health.pvs_interface if target == "pvs" else health.uplink_interface
    if action == "restart-unit":
        return [["systemctl", "restart", target]]
    if action == "restart-network":
        return [["systemctl", "restart", *_daemons(config, health)]]
    if action == "reboot":
        return [["systemctl", "reboot"]]
    if action == "cycle":
        return [["ip", "link", "set", name, "down"], ["ip", "link", "set", name, "up"]]
    if action == "drop-route":
        return [["ip", family, "route", "flush", "default", "dev", name] for family in ("-4", "-6")]
    if config.backend == "networkmanager":
        if target == "pvs":
            return [["nmcli", "--wait", "45", "connection", "up", "pvs-bridge-link"]]
        return [["nmcli", "--wait", "45", "device", "connect", name]]
    if action == "reassociate":
        return [["wpa_cli", "-s", _CLIENT_SOCKETS, "-i", name, "reassociate"]]
    # Without a running daemon, dhcpcd would start one inside this service.
    return [["systemctl", "is-active", "--quiet", "dhcpcd"], ["dhcpcd", "--rebind", name]]


def _daemons(config: MonitorConfig, health: HealthConfig) -> list[str]:
    if config.backend == "networkmanager":
        return ["NetworkManager.service"]
    if config.uplink_type == "wifi":
        return [f"wpa_supplicant@{health.uplink_interface}.service", "dhcpcd.service"]
    return ["dhcpcd.service"]


def describe(action: str, target: str) -> str:
    """Return what an action did, for the log of events."""
    side = {"pvs": "to the PVS", "home": "to the home network"}.get(target, target)
    return {
        "renew": f"renewed the address of the interface {side}",
        "reassociate": f"reconnected the Wi-Fi {side}",
        "cycle": f"switched the interface {side} off and on",
        "drop-route": f"removed the default route {side}",
        "restart-network": "restarted the network service",
        "restart-unit": f"restarted {side}",
        "reboot": "restarted the Pi",
    }[action]
