"""Addresses, and the cables of the lab.

::

    pvs lan1 ---- port ---- eth0 bridge wlan0 ---- to-bridge --+
    172.27.153.1                                               |
                                router lan0 ---- to-router --- home0 (a switch)
                                192.168.20.1                   |
                                client lan0 ---- to-client ----+
                                192.168.20.10

These are the usual addresses and names; a :class:`pvs_lab.topology.Topology` may have others. It
may also put the PVS into the home network: then the PVS has an interface lan0 there, and the Pi's
cable to it is out.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from pvs_lab.topology import Topology

PVS_ADDRESS = Topology.pvs
# The simulated PVS offers IPv6, which no report of a PVS mentions: the bridge must not use it.
PVS_IPV6 = "fd53::1"
ROUTER_ADDRESS = Topology.router
BRIDGE_ADDRESS = Topology.bridge
CLIENT_ADDRESS = Topology.client
# Locally administered, so no real device has them.
BRIDGE_HOME_MAC = "02:70:76:73:00:02"
BRIDGE_PVS_MAC = "02:70:76:73:00:01"

HOSTS = ("pvs", "bridge", "router", "client")


def ip(*arguments: str, namespace: str | None = None) -> None:
    """Run ``ip`` in a namespace of this lab, or in the lab's own."""
    where = ["-netns", namespace] if namespace else []
    subprocess.run(["ip", *where, *arguments], check=True)


def build(topology: Topology) -> None:
    """Create the lab's network without the bridge, which is added at each power-on."""
    ip("link", "set", "lo", "up")
    _add_switch("home0")
    for namespace in ("pvs", "router", "client"):
        _add_namespace(namespace)
    _add_switch("lan1", namespace="pvs")
    if topology.pvs_at_home:
        _plug_into_home("pvs")
        ip("address", "add", f"{topology.pvs}/{topology.prefix}", "dev", "lan0", namespace="pvs")
    else:
        ip("address", "add", f"{topology.pvs}/24", "dev", "lan1", namespace="pvs")
        ip("address", "add", f"{PVS_IPV6}/64", "dev", "lan1", "nodad", namespace="pvs")
    _plug_into_home("router")
    ip("address", "add", f"{topology.router}/{topology.prefix}", "dev", "lan0", namespace="router")
    for address in {*topology.name_servers} - {topology.router}:
        ip("address", "add", f"{address}/32", "dev", "lan0", namespace="router")
    _plug_into_home("client")
    ip("address", "add", f"{topology.client}/{topology.prefix}", "dev", "lan0", namespace="client")
    ip("route", "add", "default", "via", topology.router, namespace="client")


def _add_namespace(name: str) -> None:
    """Make a network namespace with a working loopback."""
    ip("netns", "add", name)
    ip("link", "set", "lo", "up", namespace=name)


def _add_switch(name: str, namespace: str | None = None) -> None:
    """Create an Ethernet switch."""
    ip("link", "add", name, "type", "bridge", namespace=namespace)
    ip("link", "set", name, "up", namespace=namespace)


def _plug_into_home(namespace: str) -> None:
    """Give a namespace an interface, lan0, on the home network."""
    port = f"to-{namespace}"
    ip("link", "add", port, "type", "veth", "peer", "name", "lan0", "netns", namespace)
    ip("link", "set", port, "master", "home0", "up")
    ip("link", "set", "lan0", "up", namespace=namespace)


def add_bridge(topology: Topology) -> None:
    """Give the bridge the network of a Pi that starts: no interface is up or configured."""
    _add_namespace("bridge")
    ip("link", "add", "port", "netns", "pvs", "type", "veth",
       "peer", "name", topology.pvs_interface, "address", BRIDGE_PVS_MAC,
       "netns", "bridge")  # fmt: skip
    state = "down" if topology.pvs_at_home else "up"
    ip("link", "set", "port", "master", "lan1", state, namespace="pvs")
    ip("link", "add", "to-bridge", "type", "veth",
       "peer", "name", topology.home_interface, "address", BRIDGE_HOME_MAC,
       "netns", "bridge")  # fmt: skip
    ip("link", "set", "to-bridge", "master", "home0", "up")


def remove_bridge() -> None:
    """Remove the bridge's network and the other ends of its cables."""
    ip("link", "delete", "port", namespace="pvs")
    ip("link", "delete", "to-bridge")
    ip("netns", "delete", "bridge")


def set_cable(side: str, *, plugged: bool) -> None:
    """Unplug or plug in a cable: the bridge loses or gets its carrier.

    Args:
        side: ``pvs`` or ``home``.
        plugged: whether the cable is in afterwards.
    """
    state = "up" if plugged else "down"
    if side == "pvs":
        ip("link", "set", "port", state, namespace="pvs")
    else:
        ip("link", "set", "to-bridge", state)


def write_resolver(etc: Path, topology: Topology) -> None:
    """Make the router the client's only name server."""
    folder = etc / "netns" / "client"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "resolv.conf").write_text(f"nameserver {topology.router}\nsearch home.arpa\n")
    (folder / "nsswitch.conf").write_text("hosts: files dns\n")
    (folder / "hosts").write_text("127.0.0.1 localhost\n")
