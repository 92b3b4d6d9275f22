"""Lists what the user that runs it may do on a Pi. Runs on the Pi, reads and prints JSON.

usage: python3 -I survey.py paths    (as root) prints all paths
       python3 -I survey.py rights   reads {"paths": [...], "secrets": [...]}

A container has a root of its own, so it gets no paths.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_PROC = Path("/proc")
_ALL = "0.0.0.0"  # noqa: S104 - where others listen
_SECONDS = 3
_KINDS = {
    "stream": socket.SOCK_STREAM,
    "datagram": socket.SOCK_DGRAM,
    "packet": socket.SOCK_SEQPACKET,
}
# Of the kernel, of this user's terminal, and of the lab.
_NO_FILES = ("/proc", "/sys", "/dev/pts", "/run/host")
_LARGEST_FILE = 4 * 1024 * 1024
_LISTENS = "0A"
"""The state of a listening TCP socket in /proc/net/tcp."""
_EPHEMERAL = 32768
"""The kernel chooses UDP ports from here on; a program gets its answers there."""


def walk() -> Iterator[str]:
    """Yield every path."""
    folders = ["/"]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.path not in _NO_FILES:
                    yield entry.path
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)


def abstract_sockets() -> Iterator[str]:
    """Yield the names of abstract sockets that programs chose; the kernel's have five digits."""
    for line in (_PROC / "net/unix").read_text().splitlines()[1:]:
        name = line.split(maxsplit=7)[-1]
        if re.match(r"@(?![0-9a-f]{5}$)", name):
            yield name[1:]


def connects(address: str) -> Iterator[str]:
    """Yield each kind of connection to a Unix socket that succeeds."""
    for kind, number in _KINDS.items():
        with socket.socket(socket.AF_UNIX, number) as each, contextlib.suppress(OSError):
            each.settimeout(_SECONDS)
            each.connect(address)
            yield kind


def rows(protocol: str) -> Iterator[tuple[str, int, str, str]]:
    """Yield address, port, peer and state of the sockets in a table of the kernel."""
    family = socket.AF_INET6 if protocol.endswith("6") else socket.AF_INET
    for row in map(str.split, (_PROC / "net" / protocol).read_text().splitlines()[1:]):
        number, port = row[1].split(":")
        words = [int(number[at : at + 8], 16) for at in range(0, len(number), 8)]
        packed = b"".join(word.to_bytes(4, "little") for word in words)
        yield socket.inet_ntop(family, packed), int(port, 16), row[2], row[3]


def targets(host: str) -> list[str]:
    """Return the addresses at which this Pi reaches a socket that listens at an address."""
    if host.startswith("fe80:"):
        return [f"{host}%{name}" for _, name in socket.if_nameindex()]
    return [{_ALL: "127.0.0.1", "::": "::1"}.get(host, host)]


def accepts(host: str, port: int) -> bool:
    """Whether a TCP port accepts a connection."""
    with contextlib.suppress(OSError):
        socket.create_connection((host, port), _SECONDS).close()
        return True
    return False


def ports() -> Iterator[str]:
    """Yield the TCP ports that accept a connection, and the UDP ports at which a program waits."""
    for protocol in ("tcp", "tcp6"):
        for host, port, _, state in rows(protocol):
            if state == _LISTENS and any(accepts(target, port) for target in targets(host)):
                yield f"{protocol} {host} {port}"
    for protocol in ("udp", "udp6"):
        for host, port, peer, _ in rows(protocol):
            if peer.endswith(":0000") and port < _EPHEMERAL:
                yield f"{protocol} {host} {port}"


def processes() -> Iterator[tuple[Path, str]]:
    """Yield the folder and the program of every process of other users."""
    for folder in _PROC.iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and folder.stat().st_uid != os.geteuid():
                yield folder, (folder / "comm").read_text().strip()


def controls() -> Iterator[str]:
    """Yield the programs of other users that this one can signal, or look into."""
    for folder, program in processes():
        with contextlib.suppress(OSError):
            os.kill(int(folder.name), 0)
            yield f"signal {program}"
        for name in ("mem", "environ"):
            with contextlib.suppress(OSError), (folder / name).open("rb"):
                yield f"{name} of {program}"
        for name in ("fd", "root"):
            with contextlib.suppress(OSError):
                list((folder / name).iterdir())
                yield f"{name} of {program}"


def tells(path: Path, secrets: list[bytes]) -> bool:
    """Whether this user can read a secret in a file."""
    with contextlib.suppress(OSError):
        if path.stat().st_size <= _LARGEST_FILE:
            content = path.read_bytes()
            return any(secret in content for secret in secrets)
    return False


def rights(paths: Iterable[str], secrets: list[bytes]) -> dict[str, list[str]]:
    """Return what this user may do, by kinds."""
    found: dict[str, list[str]] = {
        "ports": list(ports()),
        "sockets": [f"{kind} @{name}" for name in abstract_sockets()
                    for kind in connects(f"\0{name}")],
        "controls": list(controls()),
        "secrets": [f"command line of {program}" for folder, program in processes()
                    if tells(folder / "cmdline", secrets)],
        "writes": [], "privileged": [], "sudo": [],
    }  # fmt: skip
    for path in paths:
        with contextlib.suppress(OSError):
            mode = os.lstat(path).st_mode
            if stat.S_ISSOCK(mode):
                found["sockets"] += [f"{kind} {path}" for kind in connects(path)]
            elif not stat.S_ISLNK(mode) and os.access(path, os.W_OK):
                found["writes"].append(path)
            if stat.S_ISREG(mode):
                if tells(Path(path), secrets):
                    found["secrets"].append(path)
                if mode & (stat.S_ISUID | stat.S_ISGID):
                    found["privileged"].append(path)
                os.getxattr(path, "security.capability")
                found["privileged"].append(path)
    if shutil.which("sudo"):
        sudo = subprocess.run(["sudo", "-n", "-l"], capture_output=True, text=True, check=False)
        found["sudo"] = sudo.stdout.splitlines() if sudo.returncode == 0 else []
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["paths"]:
        print(json.dumps(list(walk())))
    else:
        given = json.load(sys.stdin)
        print(json.dumps(rights(given["paths"], [each.encode() for each in given["secrets"]])))
