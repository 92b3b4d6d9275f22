#!/usr/bin/python
"""Look at a Pi: one round trip for everything that the roles decide by.

The action plugin sends this file to the Pi's Python as it is: Ansible's own way to run a module
takes twice as long, on the controller and on the Pi.
"""

# ruff: noqa: E402 - Ansible wants a module's documentation before its imports

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_facts
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Gather the facts of a Pi that the roles need
description:
  - Gathers all facts that the roles need in one round trip. Much faster than
    M(ansible.builtin.setup), which it does not replace.
  - It must be the first task of a host, with C(gather_facts) off. Connection errors, such as an
    unreachable host, a rejected key, a sudo password or a missing Python, and an unsupported
    operating system fail with one problem and hint.
options:
  packages:
    description: Debian packages whose installed versions are wanted.
    type: list
    elements: str
    default: []
  units:
    description: Units of systemd whose states are wanted.
    type: list
    elements: str
    default: []
  watched:
    description: Files and folders on the host that RV(unchanged) compares.
    type: list
    elements: str
    default: []
  ports:
    description:
      - Ports that programs of the roles need. Each is tried, so a port that cannot be had is known
        before anything changes.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The number.
        type: int
        required: true
      protocol:
        description: C(tcp) or C(udp).
        type: str
        default: tcp
      address:
        description: The address that the program binds, C(*) for all IPv4 addresses.
        type: str
        default: "*"
      interface:
        description: In place of an address, an interface whose addresses the program binds.
        type: str
      unit:
        description: The unit of the program, which may have the port already.
        type: str
        required: true
      variable:
        description: The variable that asks for the port, for the message.
        type: str
        required: true
  home_interface:
    description: The interface to the home network, for RV(bridge.overlap).
    type: str
    default: ""
  pvs_network:
    description: The network of the PVS, for RV(bridge.overlap).
    type: str
    default: ""
  inputs:
    description: >-
      Digest of all that the run applies, from M(pvs_bridge.core.preflight). Without it,
      RV(unchanged) is V(false).
    type: str
  record:
    description: >-
      Whether to store the state of the host, as what RV(unchanged) of a later run compares. For the
      end of a run that has applied O(inputs).
    type: bool
    default: false
  applied:
    description: >-
      Name of a run that has run all its handlers. Its changes count as applied, see
      M(pvs_bridge.core.managed_files).
    type: str
attributes:
  action:
    description: Runs as an action plugin on the controller, which runs the module on the host.
    support: full
  async:
    description: Can be run in the background with C(async).
    support: none
  check_mode:
    description: Changes nothing but its own records, which it does not write in check mode.
    support: full
  diff_mode:
    description: Shows the difference that a change makes.
    support: none
    details: There is no change.
  platform:
    description: Systems that it can be used for.
    support: full
    platforms: debian
requirements:
  - Python 3.9 or later on the host, because it has to report Debian 11, which is not supported
seealso:
  - module: pvs_bridge.core.preflight
"""

EXAMPLES = r"""
- name: Gather facts about the Pi
  pvs_bridge.core.bridge_facts:
    packages: [haproxy, dnsmasq]
  register: found

- name: Say what configures its network
  ansible.builtin.debug:
    msg: "{{ found.bridge.backend }} on {{ found.bridge.os.pretty_name }}"
"""

RETURN = r"""
bridge:
  description: What was found.
  returned: success
  type: dict
  contains:
    os:
      description: The operating system, by C(/etc/os-release).
      type: dict
      contains:
        id:
          description: C(debian), or C(raspbian) on 32-bit Raspberry Pi OS.
          type: str
          sample: debian
        codename:
          description: The release's name; empty where it has none.
          type: str
          sample: trixie
        version_id:
          description: The release's number; empty where it has none.
          type: str
          sample: "13"
        pretty_name:
          description: Name and release for a person to read.
          type: str
          sample: Debian GNU/Linux 13 (trixie)
        raspberry_pi_os:
          description: Whether it is Raspberry Pi OS, 32 or 64 bit, and not plain Debian.
          type: bool
          sample: true
    model:
      description: The board by its device tree; null where there is none.
      type: str
      sample: Raspberry Pi Zero 2 W Rev 1.0
    hostname:
      description: The host's name; inside of an image the one that it will boot with.
      type: str
      sample: garage
    interfaces:
      description: Network interfaces by name, without C(lo).
      type: dict
      sample:
        wlan0: {mac: "b8:27:eb:00:00:01", wireless: true, carrier: true}
      contains:
        mac:
          description: Hardware address; empty where it has none.
          type: str
        wireless:
          description: Whether it is a Wi-Fi interface.
          type: bool
        carrier:
          description: Whether it has a link; null while it is down.
          type: bool
    backend:
      description:
        - What configures the network, C(networkmanager) or C(dhcpcd); null where neither does.
      type: str
      sample: networkmanager
    backends_enabled:
      description: Those of the two that run or will run after a boot, the one in charge first.
      type: list
      elements: str
      sample: [networkmanager]
    unit_file_states:
      description: >-
        What systemd says of the units of both, such as V(enabled) or V(masked); empty for those
        that are not installed.
      type: dict
      sample: {NetworkManager.service: enabled, dhcpcd.service: ""}
    packages:
      description: Installed versions of those of O(packages) that are fully installed.
      type: dict
      sample: {haproxy: 3.0.11-1}
    netplan:
      description: Whether netplan is installed, or has configuration.
      type: bool
      sample: true
    cloud_init:
      description: Whether cloud-init is installed.
      type: bool
      sample: true
    boot_directory:
      description: Where the FAT partition with the firmware is mounted.
      type: str
      sample: /boot/firmware
    default_route_interfaces:
      description: Interfaces of the IPv4 default routes, the one that is taken first.
      type: list
      elements: str
      sample: [wlan0]
    booted:
      description: Whether systemd runs as PID 1; not so inside of an image that is being built.
      type: bool
      sample: true
    initramfs:
      description: Whether it boots by way of an initramfs that Debian's initramfs-tools make.
      type: bool
      sample: true
    root:
      description: Its root file system.
      type: dict
      contains:
        locked:
          description: Whether memory lies over it, so that a restart forgets what is written.
          type: bool
          sample: false
        ours:
          description: Whether the role C(appliance) is what locks it.
          type: bool
          sample: false
    card:
      description: Whether the host has a copy of the project, as cards of C(make image) have.
      type: bool
      sample: false
    old_version:
      description: Whether files of a version before 0.2 are on the host.
      type: bool
      sample: false
    units:
      description: The state of each unit of O(units), such as V(active).
      type: dict
      sample: {haproxy.service: active}
    radio_blocked:
      description: Whether a Wi-Fi radio is blocked by software.
      type: bool
      sample: false
    routes:
      description: Whether the way from the home network to the PVS itself has been set up.
      type: bool
      sample: false
    firewall:
      description: Whether the bridge's firewall is V(absent), V(stopped) or V(running).
      type: str
      sample: running
    other_firewalls:
      description: Firewalls of other projects that are active, V(ufw) or V(firewalld).
      type: list
      elements: str
      sample: []
    listeners:
      description: >-
        Ports of all programs that the home network can reach without a firewall. Without those of
        network programs that serve no client, such as a DHCP client.
      type: list
      elements: dict
      sample: []
      contains:
        port:
          description: The number.
          type: int
        protocol:
          description: C(tcp) or C(udp).
          type: str
        program:
          description: The name of the program; empty where it is not known.
          type: str
        unit:
          description: Its unit of systemd; empty where there is none.
          type: str
    taken:
      description: Those of O(ports) that cannot be had, each with the program that has it.
      type: list
      elements: dict
      sample: []
      contains:
        port:
          description: The number.
          type: int
        variable:
          description: As in O(ports).
          type: str
        program:
          description: The name of the program; empty where it is not known.
          type: str
        unit:
          description: Its unit of systemd; empty where there is none.
          type: str
        reason:
          description: What the kernel says.
          type: str
    domains:
      description: Domains of the home network, as its DHCP server hands them out.
      type: list
      elements: str
      sample: []
    occupied:
      description: The IPv4 addresses of the host and of its routers, which the PVS cannot have.
      type: list
      elements: str
      sample: []
    overlap:
      description: >-
        The network of O(home_interface), if it overlaps with O(pvs_network), so that the host
        cannot reach both; else empty.
      type: str
      sample: ""
    ssh:
      description: Who gets in by SSH.
      type: dict
      contains:
        login_user:
          description: The remote user of this connection, before become.
          type: str
          sample: pi
        key_users:
          description: Users with a key in authorized_keys.
          type: list
          elements: str
          sample: [pi]
        extensible:
          description: Whether sshd reads C(/etc/ssh/sshd_config.d).
          type: bool
          sample: true
        configured:
          description: Whether the role C(sshd) has configured it.
          type: bool
          sample: true
    unconfirmed:
      description:
        - The unconfirmed change of the network, see M(pvs_bridge.core.commit_confirm). Empty where
          there is none.
      type: dict
      sample: {id: 3f0c, controller: anna@laptop, age_seconds: 20, left_seconds: 100}
unchanged:
  description: >-
    Whether O(inputs), the host and O(watched) are as recorded at the end of an earlier run, and all
    O(units) are active. A run has nothing to change then.
  returned: success
  type: bool
  sample: false
run:
  description: >-
    This run, for M(pvs_bridge.core.managed_files) and M(pvs_bridge.core.commit_confirm).
  returned: success
  type: dict
  contains:
    id:
      description: A name that no other run has.
      type: str
      sample: 3f0c7b5e
    controller:
      description: User and computer that ansible-playbook runs as and on.
      type: str
      sample: anna@laptop
"""

import hashlib
import ipaddress
import json
import os
import pathlib
import pwd
import re
import shlex
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any

# The unit of each backend. The order is the order of precedence, see backends().
_UNITS = {
    "networkmanager": "NetworkManager.service",
    "dhcpcd": "dhcpcd.service",
}

# States of a unit that runs.
_RUNNING = ("active", "activating", "reloading")

# What the roles firewall and routing leave on a Pi that they have set up.
_FIREWALL_UNIT = "etc/systemd/system/pvs-bridge-firewall.service"
_ROUTING_UNIT = "etc/systemd/system/pvs-bridge-routing.service"

# The drop-in of the role sshd, and the line that includes it.
_SSHD_FILE = "etc/ssh/sshd_config.d/00-pvs-bridge.conf"
_SSHD_INCLUDE = re.compile(r"^\s*Include\s+/etc/ssh/sshd_config\.d/\*\.conf\s*$", re.M | re.I)

# Where sshd looks for keys, below each home.
_KEY_FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")

# The file that `pvs-bridge overlay` writes, and the mount of a locked root.
_OVERLAYROOT = "etc/overlayroot.local.conf"
_LOCKED = ["overlayroot", "/", "overlay"]

# What the role rollback installs, and what is there while a change is not confirmed.
_ROLLBACK = ["/usr/local/bin/pvs-bridge", "rollback"]
_UNCONFIRMED = "var/lib/pvs-bridge/rollback/pending.json"

# Where the state at the end of a run is recorded. The folder stays writable under a locked root.
_RECORD = "var/lib/pvs-bridge/provisioned.json"
# The changes whose handlers have not run, see the module managed_files.
_UNAPPLIED = "var/lib/pvs-bridge/unapplied"
# Facts that change by themselves, and that no role writes into a file.
_VOLATILE = (
    "default_route_interfaces",
    "listeners",
    "occupied",
    "overlap",
    "taken",
    "unconfirmed",
)
# Ports of programs that only ask others, or whose protocol the firewall handles: DHCP, mDNS, LLMNR.
_OWN_UDP = (68, 546, 5353, 5355)
# From here on, UDP ports are those of programs that wait for an answer.
_FIRST_EPHEMERAL = 32768
_FIREWALLS = {"ufw": "ufw.service", "firewalld": "firewalld.service"}
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_ANY = ("*", "0.0.0.0", "::")  # noqa: S104 - as ss writes it

# Python writes it, whenever a program is started for the first time.
_BYTECODE = "__pycache__"

# Runs a command and returns what it prints; empty where the command is not there.
Run = Callable[[list[str]], str]


def read_text(file: pathlib.Path) -> str | None:
    """Read a small file of the system.

    Returns:
        its text without NULs and outer white space; None where it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0 \t\r\n")
    except OSError:
        return None


def operating_system(root: pathlib.Path) -> dict[str, Any]:
    """Read which release this is."""
    text = read_text(root / "etc/os-release") or read_text(root / "usr/lib/os-release") or ""
    entries = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    release = {key.strip(): " ".join(shlex.split(value)) for key, _, value in entries}
    identifier = release.get("ID", "")
    # The 64-bit Raspberry Pi OS calls itself Debian; only the file of its image builder tells.
    raspberry = identifier == "raspbian" or (root / "etc/rpi-issue").is_file()
    return {
        "id": identifier,
        "codename": release.get("VERSION_CODENAME", ""),
        "version_id": release.get("VERSION_ID", ""),
        "pretty_name": release.get("PRETTY_NAME", ""),
        "raspberry_pi_os": raspberry,
    }


def interfaces(root: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Read the network interfaces from sysfs."""
    found = {}
    folder = root / "sys/class/net"
    for each in sorted(folder.iterdir()) if folder.is_dir() else []:
        # bonding_masters is a file in the same folder.
        if each.name == "lo" or not each.is_dir():
            continue
        # The kernel refuses to read it while the interface is down.
        carrier = read_text(each / "carrier")
        found[each.name] = {
            "mac": read_text(each / "address") or "",
            "wireless": (each / "wireless").exists() or (each / "phy80211").exists(),
            "usb": "/usb" in os.path.realpath(each / "device"),
            "carrier": None if not carrier else carrier == "1",
        }
    return found


def default_route_interfaces(root: pathlib.Path) -> list[str]:
    """Read the interfaces of the IPv4 default routes, lowest metric first."""
    routes = []
    for line in (read_text(root / "proc/net/route") or "").splitlines()[1:]:
        name, destination, _, _, _, _, metric, mask = line.split()[:8]
        # A * is a route that refuses packets, through no interface.
        if destination == mask == "00000000" and name != "*":
            routes.append((int(metric), name))
    return list(dict.fromkeys(name for _, name in sorted(routes)))


def is_booted(root: pathlib.Path) -> bool:
    """Tell a running system from one inside of which a build runs commands."""
    # As systemd itself tests; then, for a chroot that the builder's /run is mounted into, whether
    # PID 1 has another root than this process. Only root can read it; builders are root.
    if not (root / "run/systemd/system").is_dir():
        return False
    try:
        return (root / "proc/1/root").samefile(root)
    except OSError:
        return True


def hostname(root: pathlib.Path, *, booted: bool) -> str:
    """Read the host's name; while an image is built the kernel's is the builder's."""
    return os.uname().nodename if booted else (read_text(root / "etc/hostname") or "")


def firewall(root: pathlib.Path, states: dict[str, tuple[str, str]]) -> str:
    """Tell whether the bridge's firewall is absent, stopped or running."""
    unit = root / _FIREWALL_UNIT
    if not unit.exists():
        return "absent"
    return "running" if states.get(unit.name, ("", ""))[0] == "active" else "stopped"


def radio_blocked(root: pathlib.Path) -> bool:
    """Tell whether a Wi-Fi radio is blocked by software, as rfkill shows it."""
    return any(
        read_text(each / "type") == "wlan" and read_text(each / "soft") == "1"
        for each in (root / "sys/class/rfkill").glob("*")
    )


def ssh(root: pathlib.Path) -> dict[str, Any]:
    """Look at who gets in by SSH."""
    return {
        # sudo says who has become root by it.
        "login_user": os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name,
        "key_users": key_users(root),
        "extensible": bool(_SSHD_INCLUDE.search(read_text(root / "etc/ssh/sshd_config") or "")),
        "configured": (root / _SSHD_FILE).exists(),
    }


def key_users(root: pathlib.Path) -> list[str]:
    """Return the users with a key in authorized_keys."""
    found = []
    for line in (read_text(root / "etc/passwd") or "").splitlines():
        fields = line.split(":")
        if len(fields) != 7 or fields[6].endswith(("/nologin", "/false")):
            continue
        files = [root / fields[5].lstrip("/") / file for file in _KEY_FILES]
        keys = [key.strip() for file in files for key in (read_text(file) or "").splitlines()]
        if any(key and not key.startswith("#") for key in keys):
            found.append(fields[0])
    return found


def unit_states(run: Run, units: list[str], *, booted: bool) -> dict[str, tuple[str, str]]:
    """Ask systemd about units.

    Returns:
        by unit, its state and its unit file's state; the former is empty where no systemd runs.
    """
    if not booted:
        # systemctl reads the links itself where no systemd runs, and only for this question.
        return {unit: ("", run(["systemctl", "is-enabled", unit]).strip()) for unit in units}
    states = {}
    shown = run(["systemctl", "show", "--property=Id,ActiveState,UnitFileState", *units])
    # In the order asked for, one paragraph a unit; its Id may be that of an alias' target.
    for unit, paragraph in zip(units, shown.strip().split("\n\n"), strict=False):
        fields = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        states[unit] = (fields.get("ActiveState", ""), fields.get("UnitFileState", ""))
    return states


def backends(states: dict[str, tuple[str, str]]) -> list[str]:
    """Name the backends that configure the network, the one in charge first.

    Args:
        states: by unit, its state and its unit file's state.
    """
    known = {name: states[unit] for name, unit in _UNITS.items() if unit in states}
    # A running backend is in charge. A backend that is only enabled has failed, or waits for the
    # next boot. If both run, NetworkManager is first, because Raspberry Pi OS runs it by default,
    # so it probably gave the address that this connection uses.
    active = [name for name, (active, _) in known.items() if active in _RUNNING]
    enabled = [name for name, (_, file_state) in known.items() if file_state == "enabled"]
    return active + [name for name in enabled if name not in active]


def installed_packages(run: Run, names: list[str]) -> dict[str, str]:
    """Return the versions of those packages that are fully installed."""
    if not names:
        return {}
    # Names are Debian's own, so that none is taken for an option or a pattern.
    known = [name for name in names if re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name)]
    output = run(
        ["dpkg-query", "--show", "--showformat=${Package}\t${Version}\t${Status}\n", *known]
    )
    rows = (line.split("\t") for line in output.splitlines())
    return {row[0]: row[1] for row in rows if row[2:] == ["install ok installed"]}


def initramfs(root: pathlib.Path, *, booted: bool, made: bool) -> bool:
    """Tell whether the host boots by way of an initramfs.

    Args:
        root: the root of the file system.
        booted: whether it has booted.
        made: whether it has the programs that make one.
    """
    # An initramfs leaves its notes in this folder.
    return made and (not booted or (root / "run/initramfs").is_dir())


def root_file_system(root: pathlib.Path) -> dict[str, bool]:
    """Look at what the root file system is, and who decides about it."""
    mounts = (line.split() for line in (read_text(root / "proc/mounts") or "").splitlines())
    return {
        "locked": any(row[:3] == _LOCKED for row in mounts),
        "ours": "Written by pvs-bridge" in (read_text(root / _OVERLAYROOT) or ""),
    }


def unconfirmed(root: pathlib.Path, run: Run) -> dict[str, Any]:
    """Return the change of the network that waits to be confirmed; empty where there is none."""
    if not (root / _UNCONFIRMED).exists():
        return {}
    return json.loads(run([*_ROLLBACK, "status", "--json"]) or "{}").get("pending") or {}


def sockets(root: pathlib.Path, run: Run) -> list[dict[str, Any]]:
    """Return the ports on which programs wait for others, with their addresses."""
    found = []
    for line in run(["ss", "-Hlntup"]).splitlines():
        fields = line.split()
        address, _, port = fields[4].rpartition(":") if len(fields) > 4 else ("", "", "")
        if not port.isdecimal():
            continue
        process = re.search(r'\("(?P<program>[^"]+)",pid=(?P<pid>\d+)', line)
        found.append(
            {
                "port": int(port),
                "protocol": fields[0],
                "address": address.partition("%")[0].strip("[]"),
                "program": process["program"] if process else "",
                "unit": unit_of(root, process["pid"]) if process else "",
            }
        )
    return sorted(found, key=lambda each: (each["port"], each["protocol"], each["address"]))


def unit_of(root: pathlib.Path, pid: str) -> str:
    """Return the unit of systemd that a process belongs to; empty where there is none."""
    text = read_text(root / "proc" / pid / "cgroup") or ""
    parts = text.rpartition("\n")[2].split("/")
    return next((each for each in reversed(parts) if each.endswith(".service")), "")


def listeners(every: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ports that the home network can reach without a firewall, each once."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for each in every:
        is_udp, port = each["protocol"] == "udp", each["port"]
        local = each["address"].startswith("127.") or each["address"] == "::1"
        if local or (is_udp and (port in _OWN_UDP or port >= _FIRST_EPHEMERAL)):
            continue
        known = {name: value for name, value in each.items() if name != "address"}
        found.setdefault((port, each["protocol"]), known)
    return list(found.values())


def taken(
    ports: Sequence[dict[str, Any]], every: list[dict[str, Any]], run: Run
) -> list[dict[str, Any]]:
    """Try to bind ports, and return those that cannot be had.

    Args:
        ports: the option of the module.
        every: what sockets has returned.
        run: runs a command.
    """
    found = []
    for wanted in ports:
        addresses = [wanted.get("address") or "*"]
        if wanted.get("interface"):
            shown = run(["ip", "-4", "-o", "address", "show", "dev", wanted["interface"]])
            addresses = re.findall(r"inet ([0-9.]+)", shown)
        protocol, port = wanted.get("protocol") or "tcp", wanted["port"]
        for address in addresses:
            reason = _refusal(protocol, address, port)
            holders = [
                each
                for each in every
                if (each["protocol"], each["port"]) == (protocol, port)
                and (address == "*" or each["address"] in (*_ANY, address))
            ]
            if reason and not any(each["unit"] == wanted["unit"] for each in holders):
                holder = holders[0] if holders else {"program": "", "unit": ""}
                named = {"variable": wanted["variable"], "port": port, "protocol": protocol}
                program = {"program": holder["program"], "unit": holder["unit"]}
                found.append({**named, **program, "reason": reason})
                break
    return found


def _refusal(protocol: str, address: str, port: int) -> str:
    """Try to bind a port; return what the kernel says against it."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as tried:
        if protocol == "tcp":
            # As haproxy does, so that closed connections do not count.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("" if address == "*" else address, port))
        except OSError as error:
            return error.strerror or "unknown error"
    return ""


def domains(root: pathlib.Path) -> list[str]:
    """Return the domains that names of the home network end with."""
    text = read_text(root / "etc/resolv.conf") or ""
    lines = re.findall(r"^(?:search|domain)\s+(.*)$", text, re.MULTILINE)
    names = [name.lower().rstrip(".") for line in lines for name in line.split()]
    return list(dict.fromkeys(name for name in names if _DOMAIN.fullmatch(name)))


def overlap(run: Run, interface: str, network: str) -> str:
    """Return the network of an interface if it overlaps with another one; else nothing."""
    if not (interface and network):
        return ""
    other = ipaddress.ip_network(network, strict=False)
    shown = run(["ip", "-4", "-o", "address", "show", "dev", interface])
    for found in re.findall(r"inet ([0-9./]+)", shown):
        own = ipaddress.ip_interface(found).network
        if own.overlaps(other):
            return str(own)
    return ""


def occupied(root: pathlib.Path, run: Run) -> list[str]:
    """Return the IPv4 addresses of this host, and of its routers."""
    own = re.findall(r"inet ([0-9.]+)", run(["ip", "-4", "-o", "address", "show"]))
    routes = [line.split() for line in (read_text(root / "proc/net/route") or "").splitlines()[1:]]
    routers = [
        str(ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(route[2]), "little")))
        for route in routes
        if route[1] == "00000000"
    ]
    return [*own, *routers]


def other_firewalls(root: pathlib.Path, states: dict[str, tuple[str, str]]) -> list[str]:
    """Name the active firewalls of other projects."""
    active = [name for name, unit in _FIREWALLS.items() if states.get(unit, ("",))[0] == "active"]
    # Debian's ufw.service is active without a rule, until `ufw enable`.
    configured = re.search(r"^ENABLED=yes", read_text(root / "etc/ufw/ufw.conf") or "", re.M | re.I)
    return [name for name in active if name != "ufw" or configured]


def look(
    root: pathlib.Path,
    run: Run,
    has: Callable[[str], bool],
    packages: list[str],
    units: list[str],
    ports: Sequence[dict[str, Any]] = (),
    home: tuple[str, str] = ("", ""),
) -> dict[str, Any]:
    """Gather everything.

    Args:
        root: the root of the file system.
        run: runs a command.
        has: tells whether a command is there.
        packages: whose versions are wanted.
        units: whose states are wanted.
        ports: that the roles need.
        home: the interface to the home network, and the network of the PVS.
    """
    release = operating_system(root)
    booted = is_booted(root)
    asked = [*_UNITS.values(), pathlib.PurePath(_FIREWALL_UNIT).name, *_FIREWALLS.values(), *units]
    states = unit_states(run, list(dict.fromkeys(asked)), booted=booted)
    enabled = backends(states)
    firmware = root / "boot/firmware"
    # Those of a builder are not the image's.
    every = sockets(root, run) if booted else []
    return {
        "os": release,
        "model": read_text(root / "proc/device-tree/model"),
        "hostname": hostname(root, booted=booted),
        "interfaces": interfaces(root),
        "backend": enabled[0] if enabled else None,
        "backends_enabled": enabled,
        "unit_file_states": {unit: states[unit][1] for unit in _UNITS.values() if unit in states},
        "units": {unit: states[unit][0] for unit in units if unit in states},
        "radio_blocked": radio_blocked(root),
        "packages": installed_packages(run, packages),
        "netplan": has("netplan") or any((root / "etc/netplan").glob("*.yaml")),
        "cloud_init": has("cloud-init"),
        "boot_directory": "/boot/firmware" if firmware.is_dir() else "/boot",
        "default_route_interfaces": default_route_interfaces(root),
        "booted": booted,
        "initramfs": initramfs(root, booted=booted, made=has("update-initramfs")),
        "root": root_file_system(root),
        "routes": (root / _ROUTING_UNIT).exists(),
        "firewall": firewall(root, states),
        "domains": domains(root) if booted else [],
        "overlap": overlap(run, *home) if booted else "",
        "occupied": occupied(root, run) if booted else [],
        "other_firewalls": other_firewalls(root, states),
        "listeners": listeners(every),
        "taken": taken(ports, every, run) if booted else [],
        "ssh": ssh(root),
        "unconfirmed": unconfirmed(root, run),
        "card": (root / "usr/local/share/pvs-bridge/ansible/site.yml").exists(),
        # Versions before 0.2 had a folder for each program.
        "old_version": (root / "usr/local/lib/pvs-bridge/pvs_bridge_rollback").exists(),
    }


def files_digest(root: pathlib.Path, watched: list[str]) -> str:
    """Return one digest of files and folders: names, kinds, rights and contents."""
    digest = hashlib.sha256()
    for path in watched:
        for each in _walk(root / path.lstrip("/")):
            found = each.lstat()
            digest.update(f"{each} {found.st_mode} {found.st_uid} {found.st_gid} ".encode())
            if stat.S_ISLNK(found.st_mode):
                digest.update(os.readlink(each).encode())  # noqa: PTH115 - as text
            elif stat.S_ISREG(found.st_mode):
                digest.update(hashlib.sha256(each.read_bytes()).digest())
    return digest.hexdigest()


def _walk(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Return a path and all that is below it; nothing where it is missing."""
    if path.name == _BYTECODE or not os.path.lexists(path):
        return
    yield path
    if path.is_dir() and not path.is_symlink():
        for each in sorted(path.iterdir()):
            yield from _walk(each)


def state(
    root: pathlib.Path, found: dict[str, Any], watched: list[str], inputs: str
) -> dict[str, str]:
    """Return the digests by which a later run finds that nothing has changed.

    Args:
        root: the root of the file system.
        found: what look has returned.
        watched: files and folders to compare.
        inputs: the digest of what the run applies.
    """
    facts = {name: value for name, value in found.items() if name not in _VOLATILE}
    facts["interfaces"] = {
        name: {**each, "carrier": None} for name, each in found["interfaces"].items()
    }
    text = json.dumps(facts, sort_keys=True)
    return {
        "inputs": inputs,
        "facts": hashlib.sha256(text.encode()).hexdigest(),
        "files": files_digest(root, watched),
    }


def is_unchanged(root: pathlib.Path, found: dict[str, Any], now: dict[str, str]) -> bool:
    """Tell whether a host is as recorded, all units are active, and all changes are applied."""
    if not found["booted"] or any(each != "active" for each in found["units"].values()):
        return False
    if any((root / _UNAPPLIED).glob("*.json")):
        return False
    return read_text(root / _RECORD) == json.dumps(now, sort_keys=True)


def write_record(root: pathlib.Path, now: dict[str, str]) -> None:
    """Record the state of a host."""
    file = root / _RECORD
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(now, sort_keys=True), encoding="utf-8")
    new.replace(file)


def forget_unapplied(root: pathlib.Path, run: str) -> None:
    """Count the changes of a run as applied."""
    for file in sorted((root / _UNAPPLIED).glob("*.json")):
        if json.loads(file.read_text(encoding="utf-8"))["run"] == run:
            file.unlink()


def run(command: list[str]) -> str:
    """Run a command as root would; see Run."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    program = shutil.which(command[0], path=path)
    if program is None:
        return ""
    # The exit status is not needed: both programs use it to say "not all of these".
    done = subprocess.run(
        [program, *command[1:]],
        env={**os.environ, "PATH": path, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.stdout


def has(command: str) -> bool:
    """Tell whether a command is there."""
    return shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def main(arguments: dict[str, Any]) -> None:
    """Print what was found, as JSON.

    Args:
        arguments: the module's options, and whether it runs in check mode.
    """
    root = pathlib.Path("/")
    home = (arguments["home_interface"], arguments["pvs_network"])
    asked = (arguments["packages"], arguments["units"], arguments["ports"])
    found = look(root, run, has, *asked, home)
    if arguments["applied"] and not arguments["check_mode"]:
        forget_unapplied(root, arguments["applied"])
    unchanged = False
    if arguments["inputs"]:
        now = state(root, found, arguments["watched"], arguments["inputs"])
        unchanged = is_unchanged(root, found, now)
        if arguments["record"] and not arguments["check_mode"]:
            write_record(root, now)
    print(json.dumps({"bridge": found, "unchanged": unchanged}))
