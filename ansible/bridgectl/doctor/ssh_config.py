"""Read OpenSSH's settings for a host from ``ssh -G`` and ``ssh-keygen -F``.

These commands evaluate the user's whole ssh configuration: patterns, Include, Match, hashed names.
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bridgectl.errors import CannotWorkError

SSH_PORT = 22
_PATIENCE_SECONDS = 20


@dataclasses.dataclass(frozen=True)
class Settings:
    """OpenSSH's settings for a host.

    Attributes:
        address: host name or IP address.
        port: TCP port.
        user: remote user.
        proxy: shell command that provides the connection; None for a direct connection.
        key_files: existing private keys.
        agent: the agent's socket; None for the one in the environment, empty for no agent.
        known_hosts: files with host keys.
        known_as: the host's name in these files.
        strict: whether unknown host keys are rejected.
    """

    address: str
    port: int
    user: str
    proxy: str | None
    key_files: tuple[Path, ...]
    agent: str | None
    known_hosts: tuple[Path, ...]
    known_as: str
    strict: bool


@dataclasses.dataclass(frozen=True)
class KnownKey:
    """A line of known_hosts.

    Attributes:
        kind: type of the key, such as ssh-ed25519.
        key: in Base64.
        revoked: whether the key is revoked.
    """

    kind: str
    key: str
    revoked: bool


def resolve(address: str, arguments: Sequence[str]) -> Settings:
    """Return ssh's settings for a host.

    Args:
        address: host name or IP address.
        arguments: of ssh, before the address.

    Raises:
        CannotWorkError: ssh is not installed, or rejects its configuration or the arguments.
    """
    command = ["ssh", *arguments, "-G", "--", address]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotWorkError("ssh cannot be run", "install OpenSSH's client") from error
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise CannotWorkError(
            f"ssh rejects its settings for {address}: {said}",
            "correct ~/.ssh/config, or ansible_ssh_common_args of the bridge",
        )
    return parse(done.stdout, arguments)


def parse(printed: str, arguments: Sequence[str]) -> Settings:
    """Parse the output of ``ssh -G``.

    Args:
        printed: one option per line; identityfile can occur several times.
        arguments: of ssh, for the connection to a jump host.
    """
    options: dict[str, list[str]] = {}
    for line in printed.splitlines():
        name, _, value = line.partition(" ")
        options.setdefault(name, []).append(value)

    def one(name: str, otherwise: str = "") -> str:
        return options.get(name, [otherwise])[0]

    address, port, user = one("hostname"), int(one("port", str(SSH_PORT))), one("user")
    alias = one("hostkeyalias", "none")
    place = address.lower() if port == SSH_PORT else f"[{address.lower()}]:{port}"
    files = [word for each in _KNOWN_HOSTS for word in one(each).split()]
    keys = (Path(each).expanduser() for each in options.get("identityfile", []))
    agent = one("identityagent", "SSH_AUTH_SOCK")
    return Settings(
        address=address,
        port=port,
        user=user,
        proxy=_proxy(
            one("proxycommand", "none"),
            one("proxyjump", "none"),
            arguments,
            {
                "%h": address,
                "%p": str(port),
                "%r": user,
                "%n": address,
                "%%": "%",
            },
        ),
        key_files=tuple(each for each in keys if each.is_file()),
        agent={"SSH_AUTH_SOCK": None, "none": ""}.get(agent, str(Path(agent).expanduser())),
        known_hosts=tuple(
            path for path in (Path(each).expanduser() for each in files) if path.is_file()
        ),
        known_as=place if alias == "none" else alias,
        strict=one("stricthostkeychecking") in ("true", "yes"),
    )


_KNOWN_HOSTS = ("userknownhostsfile", "globalknownhostsfile")


def _proxy(command: str, jump: str, arguments: Sequence[str], tokens: dict[str, str]) -> str | None:
    """Return the command that provides the connection, with its tokens replaced."""
    if command not in ("none", ""):
        # str.replace would replace the %h in %%h.
        filled, rest = "", command
        while rest:
            token = rest[:2]
            taken = 2 if token in tokens else 1
            filled += tokens.get(token, rest[:1])
            rest = rest[taken:]
        return f"exec {filled}"
    if jump in ("none", ""):
        return None
    *before, last = jump.split(",")
    user_and_host, _, port = last.rpartition(":") if last.count(":") == 1 else (last, "", "")
    words = ["exec", "ssh"]
    # As in ssh itself, -F also applies to the jump host.
    if "-F" in arguments:
        words += ["-F", arguments[list(arguments).index("-F") + 1]]
    if before:
        words += ["-J", ",".join(before)]
    if port:
        words += ["-p", port]
    return " ".join(
        [*words, "-o", "BatchMode=yes", "-W", f"'[{tokens['%h']}]:{tokens['%p']}'", user_and_host]
    )


def known_keys(settings: Settings) -> list[KnownKey]:
    """Return the keys of a host in known_hosts."""
    found = []
    for file in settings.known_hosts:
        done = subprocess.run(
            ["ssh-keygen", "-F", settings.known_as, "-f", str(file)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
        found += [each for line in done.stdout.splitlines() if (each := _known_key(line))]
    return found


def _known_key(line: str) -> KnownKey | None:
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    # paramiko does not support certificates.
    if line.startswith("#") or len(words) < 3 or marker == "@cert-authority":
        return None
    return KnownKey(words[1], words[2], marker == "@revoked")
