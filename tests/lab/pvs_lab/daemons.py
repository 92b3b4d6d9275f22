"""The daemons around the bridge: the PVS, the home router, the package server."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from pvs_lab import network, radio_card
from pvs_lab.paths import PACKAGE_ROOT
from pvs_lab.topology import Topology

SIMULATOR_CONTROL_PORT = 8099
# As home routers have it, so that no lease is renewed during a test.
_LEASE = "12h"


@dataclasses.dataclass(frozen=True)
class Daemon:
    """A program that runs as long as the lab.

    Attributes:
        name: also its log's name.
        host: the network namespace that it runs in.
        command: program and arguments.
        environment: added to the lab's own.
    """

    name: str
    host: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


def simulator(arguments: tuple[str, ...], ready_file: Path) -> Daemon:
    """The PVS's programs: both APIs and the WebSocket."""
    return Daemon(
        "pvs-simulator",
        "pvs",
        (sys.executable, "-m", "pvs_sim", "--host", "0.0.0.0", "--http-port", "80",  # noqa: S104
         "--https-port", "443", "--websocket-port", "9002",
         "--control-port", str(SIMULATOR_CONTROL_PORT),
         "--ready-file", str(ready_file), *arguments),
        (("PYTHONPATH", str(PACKAGE_ROOT)),),
    )  # fmt: skip


def pvs_dhcp(state: Path, topology: Topology) -> Daemon:
    """The PVS's DHCP and name server: it offers everything that a bridge must not accept."""
    network_of_pvs = topology.pvs_network
    return Daemon("pvs-dhcp", "pvs", (
        *_dnsmasq(state / "pvs.leases", "lan1"),
        f"--dhcp-range={network_of_pvs[2]},{network_of_pvs[200]},{network_of_pvs.netmask},{_LEASE}",
        f"--dhcp-option=option:router,{topology.pvs}",
        f"--dhcp-option=option:dns-server,{topology.pvs}",
        "--dhcp-option=option:domain-name,pvs.example",
        f"--dhcp-option=option:ntp-server,{topology.pvs}",
        # Clients that know option 121 prefer it to the router option.
        f"--dhcp-option=option:classless-static-route,0.0.0.0/0,{topology.pvs}",
        f"--dhcp-range=fd53::10,fd53::ff,64,{_LEASE}",
        "--enable-ra",
        f"--dhcp-option=option6:dns-server,[{network.PVS_IPV6}]",
        f"--address=/sunpowerconsole.com/{topology.pvs}",
        "--no-resolv",
    ))  # fmt: skip


# The Pi's own avahi, because no other mDNS responder is at hand. The folders that it writes to, and
# its services, are empty.
_AVAHI = """
mount -t tmpfs lab "$1/run"
mount -t tmpfs lab "$1/etc/avahi/services"
mkdir "$1/run/avahi-daemon"
printf '[server]\\nhost-name=%s\\nenable-dbus=no\\nuse-ipv6=no\\nallow-interfaces=lan0\\n' "$2" \
    > "$1/run/avahi.conf"
exec chroot "$1" avahi-daemon --no-drop-root --no-chroot --no-rlimits -f /run/avahi.conf
"""


def pvs_mdns(root: Path, topology: Topology) -> Daemon:
    """Announces the PVS in the home network.

    Args:
        root: file system of a Pi.
        topology: the PVS's name.
    """
    return Daemon("pvs-mdns", "pvs", (
        "unshare", "--mount", "--propagation", "private",
        "sh", "-ec", _AVAHI, "sh", str(root), topology.pvs_name,
    ))  # fmt: skip


def home_router(state: Path, topology: Topology) -> Daemon:
    """The home's DHCP and name server; it always gives the bridge the same address."""
    home = topology.home
    first, last = (home[home.num_addresses * share // 256] for share in (100, 200))
    return Daemon("home-router", "router", (
        *_dnsmasq(state / "router.leases", "lan0"),
        f"--dhcp-range={first},{last},{home.netmask},{_LEASE}",
        f"--dhcp-host={network.BRIDGE_HOME_MAC},{radio_card.RADIO_MAC},{topology.bridge}",
        f"--dhcp-option=option:router,{topology.router}",
        f"--dhcp-option=option:dns-server,{topology.router}",
        "--domain=home.arpa",
        "--local=/home.arpa/",
        f"--host-record={','.join(('bridge', 'bridge.home.arpa', *topology.bridge_names))},"
        f"{topology.bridge}",
        f"--host-record=router,router.home.arpa,{topology.router}",
        f"--host-record=client,client.home.arpa,{topology.client}",
        f"--host-record=packages.home.arpa,{topology.router}",
        # Stands for any name on the internet, so that tests see which server was asked.
        "--host-record=world.example,192.0.2.1",
        "--no-resolv",
    ))  # fmt: skip


def _dnsmasq(leases: Path, interface: str) -> tuple[str, ...]:
    """Return the options of both DHCP servers, which read no file of this machine."""
    return (
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts",
        "--user=root", "--log-facility=-", "--log-dhcp", "--pid-file=",
        f"--dhcp-leasefile={leases}",
        f"--interface={interface}", "--except-interface=lo", "--bind-dynamic",
        "--dhcp-authoritative", "--no-ping",
    )  # fmt: skip


def package_server(packages: Path, topology: Topology) -> Daemon:
    """The packages of Debian that the roles install."""
    return Daemon("package-server", "router", (
        sys.executable, "-m", "http.server", "--bind", topology.router,
        "--directory", str(packages), "80",
    ))  # fmt: skip
