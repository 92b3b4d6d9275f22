"""This machine's network: interfaces, addresses, routes, and requests to its own proxy."""

from __future__ import annotations

import contextlib
import errno
import grp
import http.client
import ipaddress
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from pvs_bridge.host.probe import HomeAccess, ProbeError, Reply, Signal
from pvs_bridge.text import clean

PROXY_USER = FIREWALL_GROUP = "haproxy"
"""The firewall lets root connect to the PVS only as this group."""
ROOT_PORTS = range(512, 1024)
_PORT_TRIES = 64
MAX_BODY = 4 * 1024 * 1024  # the list of 37 panels has 31 kB


class LocalProbe:
    """Reads the machine that this program runs on."""

    def __init__(self, sys_net: Path = Path("/sys/class/net")) -> None:
        """Read interfaces in `sys_net`."""
        self._sys_net = sys_net

    def signal(self, interface: str) -> Signal:
        """Return the state of an interface."""
        folder = self._sys_net / interface
        if not folder.exists():
            return Signal.MISSING
        try:
            carrier = (folder / "carrier").read_text(encoding="ascii").strip()
        except OSError:  # the kernel's answer for an interface that is down
            return Signal.OFF
        return Signal.UP if carrier == "1" else Signal.NONE

    def addresses(self, interface: str) -> list[IPv4Interface]:
        """Return an interface's IPv4 addresses.

        Raises:
            ProbeError: `ip` fails.
        """
        return ipv4_interfaces(_ip("-4", "address", "show", "dev", interface))

    def default_routes(self) -> list[str]:
        """Return the interfaces of the default routes, IPv6 included.

        Raises:
            ProbeError: `ip` fails.
        """
        found: list[str] = []
        for family in ("-4", "-6"):
            found += route_interfaces(_ip(family, "route", "show", "default"))
        return found

    def connect(self, address: str, port: int, seconds: float) -> None:
        """Open a TCP connection and close it.

        Raises:
            OSError: The connection fails.
        """
        with _group(FIREWALL_GROUP):
            socket.create_connection((address, port), timeout=seconds).close()

    def get(self, port: int, path: str, seconds: float) -> Reply:
        """Send a request to this machine's own proxy.

        Raises:
            OSError: The connection fails, or breaks off before an answer.
            http.client.HTTPException: The answer is not HTTP.
        """
        deadline = time.monotonic() + seconds
        connection = _connected("127.0.0.1", port, seconds)
        try:
            sock = connection.sock
            headers = {"User-Agent": "pvs-bridge-health", "Connection": "close"}
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body, whole = _read_body(response, sock, deadline)
        finally:
            connection.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, body, whole, old=response.version == 10)

    def home_access(self, port: int) -> HomeAccess:
        """Return whether the home network can reach a TCP port of this machine.

        Raises:
            ProbeError: Sockets or firewall cannot be read.
        """
        return home_access(_printed(*SOCKETS)[0], *_printed(*FIREWALL), port)

    def is_foreign(self, port: int) -> bool:
        """Return whether another user than haproxy listens on a TCP port.

        Raises:
            ProbeError: `ss` fails.
        """
        with contextlib.suppress(KeyError):
            return is_foreign(_printed(*SOCKETS)[0], port, pwd.getpwnam(PROXY_USER).pw_uid)
        return False

    def clock(self) -> float:
        """Return seconds of a monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@contextlib.contextmanager
def _group(name: str) -> Iterator[None]:
    """Run as a group if this user may join it."""
    before = os.getegid()
    # Without the group there is no firewall.
    with contextlib.suppress(KeyError, PermissionError):
        os.setegid(grp.getgrnam(name).gr_gid)
    try:
        yield
    finally:
        os.setegid(before)


def _connected(address: str, port: int, seconds: float) -> http.client.HTTPConnection:
    """Connect from a port that only root can use, because other users share the proxy's limits.

    Raises:
        OSError: The connection fails.
    """
    # A port stays in use for a minute after its connection, so each request tries several.
    first = os.getpid() % len(ROOT_PORTS)
    tries = _PORT_TRIES if os.geteuid() == 0 else 0
    own = (ROOT_PORTS[first - step] for step in range(tries))
    for source in (*own, 0):
        connection = http.client.HTTPConnection(
            address, port, timeout=seconds, source_address=("", source)
        )
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            if source == 0 or error.errno not in (errno.EACCES, errno.EADDRINUSE):
                raise
        else:
            break
    return connection


def _read_body(
    response: http.client.HTTPResponse, sock: socket.socket, deadline: float
) -> tuple[bytes, bool]:
    """Read until the end or the deadline, which also ends an answer that arrives byte by byte."""
    length = response.getheader("Content-Length", "")
    # http.client does not report a body that is shorter than announced, so count.
    expected = int(length) if length.isdecimal() and not response.chunked else None
    body = bytearray()
    while expected is None or len(body) < expected:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        try:
            piece = response.read1(65536)
        except (http.client.IncompleteRead, ConnectionError):
            return bytes(body), False
        body += piece
        if not piece:
            return bytes(body), expected is None
        if len(body) > MAX_BODY:
            return bytes(body), False
    return bytes(body), True


def ipv4_interfaces(entries: Iterable[dict[str, Any]]) -> list[IPv4Interface]:
    """Return the IPv4 addresses in the output of `ip -json address`.

    Raises:
        ProbeError: The output has another form.
    """
    try:
        return [
            IPv4Interface(f"{info['local']}/{info['prefixlen']}")
            for entry in entries
            for info in entry.get("addr_info", [])
            if info.get("family") == "inet"
        ]
    except (KeyError, ValueError) as error:
        raise ProbeError("not checked: unknown output of ip") from error


def route_interfaces(routes: Iterable[dict[str, Any]]) -> list[str]:
    """Return the interfaces in the output of `ip -json route`, those of several hops included."""
    hops = (hop for route in routes for hop in (route, *route.get("nexthops", [])))
    return [hop["dev"] for hop in hops if "dev" in hop]


FIREWALL = ("nft", "list", "chain", "inet", "pvs_bridge_firewall", "from_home")
"""Prints the rules for packets from the home network."""

SOCKETS = ("ss", "-Hltne")
"""Prints the listening sockets with their users."""

_OPENED = re.compile(r"^\s*tcp dport (?P<ports>\{[^}]*\}|\d+)", re.MULTILINE)


def home_access(sockets: str, rules: str, error: str, port: int) -> HomeAccess:
    """Judge whether the home network can reach a TCP port.

    Args:
        sockets: The output of the command in SOCKETS.
        rules: The output of the command in FIREWALL.
        error: What it complained of.
        port: The port.

    Raises:
        ProbeError: The rules cannot be read.
    """
    hosts = [line.split()[3].rpartition(":")[0] for line in _listeners(sockets, port)]
    if hosts and all(host.startswith("127.") or host == "[::1]" for host in hosts):
        return HomeAccess.LOCAL
    if "No such file" in error:  # there is no such table
        return HomeAccess.OPEN
    if error or not rules:
        raise ProbeError("not checked: only root may read the firewall")
    opened = {int(n) for each in _OPENED.finditer(rules) for n in re.findall(r"\d+", each["ports"])}
    return HomeAccess.OPEN if port in opened else HomeAccess.CLOSED


def is_foreign(sockets: str, port: int, user: int) -> bool:
    """Return whether another user listens on a TCP port.

    Args:
        sockets: The output of the command in SOCKETS, which leaves out the number of root.
        port: The port.
        user: The number of the user who should.
    """
    return any(f"uid:{user}" not in line.split() for line in _listeners(sockets, port))


def _listeners(sockets: str, port: int) -> list[str]:
    """Return the lines of `ss` about a port."""
    lines = [line for line in sockets.splitlines() if len(line.split()) > 3]
    return [line for line in lines if line.split()[3].rpartition(":")[2] == str(port)]


def _printed(*command: str) -> tuple[str, str]:
    """Run a program, and return its output and its errors.

    Raises:
        ProbeError: It hangs.
    """
    done = _run(*command)
    if done is None:
        # Without nft there is no firewall of the bridge.
        return "", "No such file"
    return done.stdout, done.stderr if done.returncode else ""


def _ip(*arguments: str) -> list[dict[str, Any]]:
    """Return the objects that `ip` prints; old versions print empty ones among them.

    Raises:
        ProbeError: `ip` fails.
    """
    done = _run("ip", "-json", *arguments)
    if done is None:
        raise ProbeError("not checked: the program ip is missing")
    try:
        done.check_returncode()
        entries = json.loads(done.stdout or "[]")
    except (subprocess.SubprocessError, ValueError) as error:
        raise ProbeError(f"not checked: ip failed ({clean(type(error).__name__)})") from error
    if not isinstance(entries, list):
        raise ProbeError("not checked: unknown output of ip")
    return [entry for entry in entries if isinstance(entry, dict)]


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Run a program to its end; None if it is not installed.

    Raises:
        ProbeError: It cannot be started, hangs, or does not print text.
    """
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    program = shutil.which(name, path=path)
    if program is None:
        return None
    try:
        return subprocess.run(
            [program, *arguments],
            capture_output=True,
            check=False,
            timeout=10,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        raise ProbeError(f"not checked: {name} failed ({clean(type(error).__name__)})") from error


_COMPLETE = 0x2


def routers(interface: str, table: Path = Path("/proc/net/route")) -> list[str]:
    """Return the routers of an interface's IPv4 default routes."""
    found = []
    for line in table.read_text().splitlines()[1:]:
        name, destination, router, *_, mask = line.split()[:8]
        if name == interface and destination == mask == "00000000":
            found.append(
                str(ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(router), "little")))
            )
    return found


def addresses() -> dict[str, list[str]]:
    """Return the IPv4 addresses of each interface but the loopback, with prefix lengths."""
    with contextlib.suppress(ProbeError):
        return {
            link["ifname"]: [str(address) for address in ipv4_interfaces([link])]
            for link in _ip("-4", "address", "show")
            if link and link["ifname"] != "lo"
        }
    return {}


def neighbours(interface: str, table: Path = Path("/proc/net/arp")) -> set[str]:
    """Return the addresses of the machines that have answered on an interface."""
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return {row[0] for row in rows if row[5] == interface and int(row[2], 16) & _COMPLETE}


_DISCARD_PORT = 9


def is_connected(interface: str) -> bool:
    """Return whether the router of an interface's default route answers."""
    for router in routers(interface):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            # Makes the kernel ask for the router's hardware address.
            out.sendto(b"", (router, _DISCARD_PORT))
        if router in neighbours(interface):
            return True
    return False
