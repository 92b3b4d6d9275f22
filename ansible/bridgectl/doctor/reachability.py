"""The way from this computer to a Pi, and what can be known from here where it does not lead in."""

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
from bridgectl.doctor.findings import BROKEN, OK, UNKNOWN, WARNING, Finding
from bridgectl.doctor.session import Session, Unreached
from bridgectl.doctor.ssh_config import SSH_PORT, Settings
from bridgectl.doctor.target import Patient

_CONNECT_SECONDS = 3
_PING_SECONDS = 3
_PATIENCE_SECONDS = 10
_NEIGHBOUR = re.compile(
    r"(?P<address>[0-9a-f.:]*[0-9a-f])\)?.*?(?P<mac>(?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2})",
    re.IGNORECASE,
)
# The parts of hardware addresses that belong to the makers of Raspberry Pis.
_RASPBERRY = ("28:cd:c1", "2c:cf:67", "88:a2:9e", "b8:27:eb", "d8:3a:dd", "dc:a6:32", "e4:5f:01")


def name(settings: Settings) -> Finding:
    """Look the Pi's name up, where this computer is the one to do so."""
    title = "Name"
    if settings.proxy is not None:
        return Finding(title, OK, f"{settings.address}, by way of another host of ssh's settings")
    with contextlib.suppress(ValueError):
        return Finding(title, OK, f"{ip_address(settings.address)}, an address")
    found = addresses(settings.address)
    if found:
        return Finding(title, OK, f"{settings.address} is {', '.join(found)}")
    hint = (
        "Set ansible_host to its address, which the home's router shows, or check that the Pi has "
        "power and Wi-Fi."
    )
    if settings.address.endswith(".local"):
        hint += " Names with .local need mDNS, which not every network lets through."
    return Finding(
        title,
        BROKEN,
        f"{settings.address} is not known here",
        f"No address is known for {settings.address}.",
        hint,
    )


def ping(settings: Settings) -> Finding:
    """Ping the Pi; no answer proves nothing."""
    title = "Ping"
    if settings.proxy is not None:
        return Finding(title, UNKNOWN, "not tried: this computer does not reach the Pi by itself")
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
        return Finding(title, UNKNOWN, "no answer")
    if done.returncode:
        return Finding(title, UNKNOWN, "no answer")
    return Finding(title, OK, f"answers within {1000 * (time.monotonic() - started):.0f} ms")


def login(session: Session, user: str, *, is_root: bool) -> Finding:
    """Say how we came in."""
    seen = f"in as {user}{'' if user == 'root' else ', root by sudo' if is_root else ', not root'}"
    if not session.known:
        return Finding(
            "SSH",
            WARNING,
            f"{seen}; host key not known: {session.fingerprint}",
            "The Pi's host key is not among your known hosts, so nothing proves that "
            f"this is your Pi: {session.fingerprint}.",
            "Compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the "
            "Pi, then log in by ssh once and accept it.",
        )
    if not is_root:
        return Finding(
            "SSH",
            WARNING,
            seen,
            f"sudo asks {user} for a password, so some of this was not looked at.",
            f"Write `{user} ALL=(ALL) NOPASSWD: ALL` into /etc/sudoers.d/010-{user} on the Pi.",
        )
    return Finding("SSH", OK, seen)


def refused(patient: Patient, settings: Settings, error: Unreached) -> Finding:
    """Explain why we did not come in."""
    said = str(error)
    port = settings.port if settings.port != SSH_PORT else None
    found = diagnose(Contact(patient.name, settings.address, port, settings.user), said)
    return Finding("SSH", BROKEN, said, f"{_sentence(found.problem)}.", f"{_sentence(found.hint)}.")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def elsewhere(patient: Patient, settings: Settings) -> Iterator[Finding]:
    """Find out what can be known of a Pi that was not reached. Nothing is scanned.

    Args:
        patient: what the inventory knows of it.
        settings: how it was to be reached.
    """
    if settings.proxy is not None:
        return
    here = addresses(settings.address)
    known = neighbours()
    for address in here:
        if address in known:
            yield _neighbour(address, known[address])
    if any(is_open(address, patient.proxy_port) for address in here):
        yield Finding(
            "Web server",
            WARNING,
            f"port {patient.proxy_port} is open",
            f"Something serves port {patient.proxy_port} there, so a machine is up: "
            "either it is this bridge with its SSH off, or another machine has its "
            "address.",
            "Look at it with a browser: the bridge shows the PVS's pages.",
        )
    for other in patient.other_names:
        for address in addresses(other):
            if address not in here:
                state = "SSH answers there" if is_open(address, SSH_PORT) else "no SSH there"
                yield Finding("Other name", UNKNOWN, f"{other} is {address}: {state}")
    for address, mac in known.items():
        if mac.startswith(_RASPBERRY) and address not in here:
            yield Finding("Raspberry Pi", UNKNOWN, f"one is at {address} ({mac})")


def _neighbour(address: str, mac: str) -> Finding:
    kind = ", made by Raspberry Pi" if mac.startswith(_RASPBERRY) else ""
    return Finding("Neighbour", OK, f"{address} belongs to {mac}{kind}")


def addresses(host: str) -> list[str]:
    """Return a name's addresses, IPv4 first; none where it is not known."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    ordered = sorted(found, key=lambda each: each[0] != socket.AF_INET)
    return list(dict.fromkeys(str(each[4][0]) for each in ordered))


def neighbours() -> dict[str, str]:
    """Return the hardware addresses that this computer has learned, by address.

    Linux tells by ip, macOS by arp.
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
    """Read what ``ip neighbour`` or ``arp -an`` prints."""
    found = {}
    for line in text.splitlines():
        match = _NEIGHBOUR.search(line)
        if match:
            # macOS leaves zeros out.
            mac = ":".join(part.rjust(2, "0") for part in match["mac"].lower().split(":"))
            found[match["address"]] = mac
    return found


def is_open(address: str, port: int) -> bool:
    """Tell whether a TCP port accepts connections."""
    try:
        with socket.create_connection((address, port), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False


def from_home(patient: Patient, settings: Settings, path: str, timeout_seconds: float) -> Finding:
    """Ask the bridge for what the Pi itself has just got, from here; the answer is a shared one."""
    title = "From this computer"
    if settings.proxy is not None:
        return Finding(title, UNKNOWN, "not asked: this computer does not reach the Pi by itself")
    if not patient.proxy_serves_home:
        return Finding(title, UNKNOWN, "not asked: by bridge_mode the home asks the PVS itself")
    connection = http.client.HTTPConnection(
        settings.address, patient.proxy_port, timeout=timeout_seconds
    )
    try:
        connection.request("GET", path, headers={"User-Agent": "pvs-bridge-doctor"})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        seen = f"no answer: {getattr(error, 'strerror', None) or type(error).__name__}"
        return Finding(
            title,
            BROKEN,
            seen,
            "The Pi gets its answer, but this computer does not get it from the Pi.",
            "Check that no firewall is between the two, and that the router does not "
            "keep its Wi-Fi clients apart (guest network, client isolation).",
        )
    finally:
        connection.close()
    seen = f"HTTP {response.status}, {len(body)} bytes"
    if response.status == http.HTTPStatus.OK:
        return Finding(title, OK, seen)
    if response.status == http.HTTPStatus.UNAUTHORIZED and b"proxy_users" in body:
        return Finding(title, OK, f"{seen}: asks for a password, as it is to")
    return Finding(
        title,
        BROKEN,
        seen,
        f"The bridge answers the Pi itself, but this computer with HTTP {response.status}.",
        "Its answer says why: look at it with a browser. proxy_source_networks and "
        "proxy_hostnames say who may ask, and by which name.",
    )
