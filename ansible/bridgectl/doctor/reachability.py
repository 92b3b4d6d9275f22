"""Check the connection from this computer to the Pi, and look for an unreachable Pi elsewhere."""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_address

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.contact import Contact, diagnose
from bridgectl.doctor.results import Result, broken, ok, unknown, warning
from bridgectl.doctor.session import Session, UnreachableError
from bridgectl.doctor.ssh_config import SSH_PORT, Settings
from bridgectl.doctor.target import Target

_CONNECT_SECONDS = 3
_PING_SECONDS = 3
_PATIENCE_SECONDS = 10
_NEIGHBOUR = re.compile(
    r"(?P<address>[0-9a-f.:]*[0-9a-f])\)?.*?(?P<mac>(?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2})",
    re.IGNORECASE,
)
# Prefixes of the hardware addresses of Raspberry Pis.
_RASPBERRY = ("28:cd:c1", "2c:cf:67", "88:a2:9e", "b8:27:eb", "d8:3a:dd", "dc:a6:32", "e4:5f:01")


def name(settings: Settings) -> Result:
    """Resolve the Pi's name, unless a jump host does that."""
    title = "Name"
    if settings.proxy is not None:
        return ok(title, f"{settings.address}, through a jump host")
    with contextlib.suppress(ValueError):
        return ok(title, f"{ip_address(settings.address)}, an address")
    found = addresses(settings.address)
    if found:
        return ok(title, f"{settings.address} is {', '.join(found)}")
    hint = (
        "Set ansible_host to its address, which the home's router shows, or check that the Pi has "
        "power and Wi-Fi."
    )
    if settings.address.endswith(".local"):
        hint += " Names with .local need mDNS, which some networks block."
    return broken(
        title,
        f"{settings.address} cannot be resolved",
        f"{settings.address} cannot be resolved to an address.",
        hint,
    )


def ping(settings: Settings) -> Result:
    """Ping the Pi; many hosts do not answer pings."""
    title = "Ping"
    if settings.proxy is not None:
        return unknown(title, "not tried, because the connection uses a jump host")
    started = time.monotonic()
    try:
        done = subprocess.run(
            ["ping", "-n", "-q", "-c", "1", settings.address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PING_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return unknown(title, "no answer")
    if done.returncode:
        return unknown(title, "no answer")
    return ok(title, f"answers within {1000 * (time.monotonic() - started):.0f} ms")


def login(session: Session, user: str, *, is_root: bool) -> Result:
    """Return the result of a successful login."""
    seen = f"as {user}{'' if user == 'root' else ', root by sudo' if is_root else ', not root'}"
    if not session.known:
        return warning(
            "SSH",
            f"{seen}; host key not known: {session.fingerprint}",
            "The Pi's host key is not in known_hosts, so this may be another machine: "
            f"{session.fingerprint}.",
            "Compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the Pi, then "
            "log in with ssh once and accept it.",
        )
    if not is_root:
        return warning(
            "SSH",
            seen,
            f"sudo asks {user} for a password, so some checks were skipped.",
            f"Set ansible_become_password to it, run again with ARGS=--ask-become-pass, or write "
            f"`{user} ALL=(ALL) NOPASSWD: ALL` into /etc/sudoers.d/010-{user} on the Pi.",
        )
    return ok("SSH", seen)


def refused(target: Target, settings: Settings, error: UnreachableError) -> Result:
    """Explain a failed login."""
    said = str(error)
    port = settings.port if settings.port != SSH_PORT else None
    issue = diagnose(Contact(target.name, settings.address, port, settings.user), said)
    return broken("SSH", said, f"{_sentence(issue.problem)}.", f"{_sentence(issue.hint)}.")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def elsewhere(target: Target, settings: Settings) -> Iterator[Result]:
    """Look for an unreachable Pi at its other addresses, without scanning the network.

    Args:
        target: the bridge.
        settings: how ssh connects to it.
    """
    if settings.proxy is not None:
        return
    here = addresses(settings.address)
    known = neighbours()
    for address in here:
        if address in known:
            yield _neighbour(address, known[address])
    if any(is_open(address, target.proxy_port) for address in here):
        yield warning(
            "Web server",
            f"port {target.proxy_port} is open",
            f"A web server answers on port {target.proxy_port}: either this bridge without SSH, or "
            "another machine with its address.",
            "Open it in a browser: the bridge shows the PVS's pages.",
        )
    for other in target.other_names:
        for address in addresses(other):
            if address not in here:
                state = (
                    "SSH answers there"
                    if is_open(address, SSH_PORT)
                    else "SSH does not answer there"
                )
                yield unknown("Other name", f"{other} is {address}: {state}")
    for address, mac in known.items():
        if mac.startswith(_RASPBERRY) and address not in here:
            yield unknown("Raspberry Pi", f"one is at {address} ({mac})")


def _neighbour(address: str, mac: str) -> Result:
    kind = ", made by Raspberry Pi" if mac.startswith(_RASPBERRY) else ""
    return ok("Neighbour", f"{address} belongs to {mac}{kind}")


def addresses(host: str) -> list[str]:
    """Return the addresses of a name, IPv4 first; an empty list if it cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    ordered = sorted(found, key=lambda each: each[0] != socket.AF_INET)
    return list(dict.fromkeys(str(each[4][0]) for each in ordered))


def neighbours() -> dict[str, str]:
    """Return the hardware addresses in this computer's neighbour table, by address.

    Linux has ip, macOS has arp.
    """
    command = ["ip", "neighbour", "show"] if shutil.which("ip") else ["arp", "-an"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return parse_neighbours(done.stdout)


def parse_neighbours(text: str) -> dict[str, str]:
    """Parse the output of ``ip neighbour`` or ``arp -an``."""
    found = {}
    for line in text.splitlines():
        match = _NEIGHBOUR.search(line)
        if match:
            # macOS omits leading zeros.
            mac = ":".join(part.rjust(2, "0") for part in match["mac"].lower().split(":"))
            found[match["address"]] = mac
    return found


def is_open(address: str, port: int) -> bool:
    """Return whether a TCP port accepts connections."""
    try:
        with socket.create_connection((address, port), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False


def from_home(target: Target, settings: Settings, path: str, timeout_seconds: float) -> Result:
    """Send the health check's request from this computer; the proxy answers from its cache."""
    title = "From this computer"
    if settings.proxy is not None:
        return unknown(title, "not tried, because the connection uses a jump host")
    if not target.proxy_serves_home:
        return unknown(
            title, "not tried, because home clients reach the PVS directly (bridge_mode)"
        )
    connection = http.client.HTTPConnection(
        settings.address, target.proxy_port, timeout=timeout_seconds
    )
    try:
        connection.request("GET", path, headers={"User-Agent": "pvs-bridge-doctor"})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        seen = f"no answer: {getattr(error, 'strerror', None) or type(error).__name__}"
        return broken(
            title,
            seen,
            "The proxy answers on the Pi, but not to this computer.",
            "Check for a firewall between them, and for client isolation in the router's Wi-Fi, "
            "such as in a guest network.",
        )
    finally:
        connection.close()
    seen = f"HTTP {response.status}, {len(body)} bytes"
    if response.status == http.HTTPStatus.OK:
        return ok(title, seen)
    if response.status == http.HTTPStatus.UNAUTHORIZED and b"proxy_users" in body:
        return ok(title, f"{seen}: asks for a password, as configured")
    return broken(
        title,
        seen,
        f"The bridge answers this computer with HTTP {response.status}.",
        "Open it in a browser to see the reason. proxy_source_networks and proxy_hostnames define "
        "the allowed clients and names.",
    )
