"""This machine's network: interfaces, addresses, routes, requests to its own proxy."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from pvs_bridge.host.probe import ProbeError, Reply, Signal
from pvs_bridge.text import clean

MAX_BODY = 4 * 1024 * 1024  # the list of 37 panels has 31 kB


class Pi:
    """The world as it is on the Pi itself."""

    def __init__(self, sys_net: Path = Path("/sys/class/net")) -> None:
        """Look for interfaces in `sys_net`."""
        self._sys_net = sys_net

    def signal(self, interface: str) -> Signal:
        """Tell how an interface is."""
        folder = self._sys_net / interface
        if not folder.exists():
            return Signal.MISSING
        try:
            carrier = (folder / "carrier").read_text(encoding="ascii").strip()
        except OSError:  # what the kernel says of an interface that is down
            return Signal.OFF
        return Signal.UP if carrier == "1" else Signal.NONE

    def addresses(self, interface: str) -> list[IPv4Interface]:
        """Return an interface's IPv4 addresses.

        Raises:
            ProbeError: `ip` cannot tell.
        """
        return ipv4_interfaces(_ip("-4", "address", "show", "dev", interface))

    def default_routes(self) -> list[str]:
        """Return the interfaces that default routes lead out of, IPv6 included.

        Raises:
            ProbeError: `ip` cannot tell.
        """
        found: list[str] = []
        for family in ("-4", "-6"):
            found += ways_out(_ip(family, "route", "show", "default"))
        return found

    def connect(self, address: str, port: int, seconds: float) -> None:
        """Open a TCP connection and close it.

        Raises:
            OSError: It does not come about.
        """
        with _timeouts(), socket.create_connection((address, port), timeout=seconds):
            pass

    def get(self, port: int, path: str, seconds: float) -> Reply:
        """Ask this machine's own proxy.

        Raises:
            OSError: There is no connection, no answer in time, or it broke off before one.
            http.client.HTTPException: What came is not HTTP.
        """
        deadline = time.monotonic() + seconds
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        with _timeouts():
            try:
                connection.connect()
                sock = connection.sock
                headers = {"User-Agent": "pvs-bridge-health", "Connection": "close"}
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                body, whole = _read_body(response, sock, deadline)
            finally:
                connection.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, body, whole, old=response.version == 10)

    def clock(self) -> float:
        """Return seconds that only ever grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Do nothing for a while."""
        time.sleep(seconds)


class _timeouts:  # noqa: N801 - used like a function
    """Up to Python 3.9 a socket's timeout is not yet a TimeoutError: make it one."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, socket.timeout) and not isinstance(error, TimeoutError):
            raise TimeoutError from error


def _read_body(
    response: http.client.HTTPResponse, sock: socket.socket, deadline: float
) -> tuple[bytes, bool]:
    """Read until the end or the deadline: a slow drip must not keep us for ever."""
    length = response.getheader("Content-Length", "")
    # http.client takes the end of the connection for the end of the body: count ourselves.
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
    """Return the IPv4 addresses in what `ip -json address` says.

    Raises:
        ProbeError: It is something else.
    """
    try:
        return [
            IPv4Interface(f"{info['local']}/{info['prefixlen']}")
            for entry in entries
            for info in entry.get("addr_info", [])
            if info.get("family") == "inet"
        ]
    except (KeyError, ValueError) as error:
        raise ProbeError("not checked: ip said something else") from error


def ways_out(routes: Iterable[dict[str, Any]]) -> list[str]:
    """Return the interfaces in what `ip -json route` says, those of several hops included."""
    hops = (hop for route in routes for hop in (route, *route.get("nexthops", [])))
    return [hop["dev"] for hop in hops if "dev" in hop]


def _ip(*arguments: str) -> list[dict[str, Any]]:
    """Return the objects that `ip` says; old versions print empty ones among them.

    Raises:
        ProbeError: It says nothing.
    """
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    command = shutil.which("ip", path=path)
    if command is None:
        raise ProbeError("not checked: the program ip is missing")
    try:
        done = subprocess.run(
            [command, "-json", *arguments],
            capture_output=True,
            check=True,
            timeout=10,
            text=True,
        )
        entries = json.loads(done.stdout or "[]")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise ProbeError(f"not checked: ip failed ({clean(type(error).__name__)})") from error
    if not isinstance(entries, list):
        raise ProbeError("not checked: ip said something else")
    return [entry for entry in entries if isinstance(entry, dict)]


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
    done = subprocess.run(
        ["ip", "-json", "-4", "address", "show"], capture_output=True, text=True, check=False
    )
    with contextlib.suppress(ValueError):
        return {
            link["ifname"]: [f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"]]
            for link in json.loads(done.stdout)
            if link and link["ifname"] != "lo"
        }
    return {}


def neighbours(interface: str, table: Path = Path("/proc/net/arp")) -> set[str]:
    """Return who has answered on an interface."""
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return {row[0] for row in rows if row[5] == interface and int(row[2], 16) & _COMPLETE}
