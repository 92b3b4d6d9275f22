"""How OpenSSH would reach a host: asked of ``ssh -G`` and ``ssh-keygen -F``, not read anew.

So whatever a person has written into ssh's own configuration holds here too, with its patterns,
its Include and Match, and its hashed names.
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bridgectl.validate.report import CannotWorkError

SSH_PORT = 22
_PATIENCE_SECONDS = 20


@dataclasses.dataclass(frozen=True)
class Settings:
    """What OpenSSH has decided.

    Attributes:
        address: where to connect.
        port: TCP port there.
        user: who logs in.
        proxy: shell command whose input and output are the connection; None for a plain one.
        key_files: private keys that are there.
        agent: the agent's socket; None for that of the environment, empty for no agent.
        known_hosts: files with the keys of known hosts.
        known_as: the host's name there.
        strict: whether a host whose key is not known is refused.
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
        kind: such as ssh-ed25519.
        key: in Base64.
        revoked: whether it is a key that nobody may show any more.
    """

    kind: str
    key: str
    revoked: bool


def resolve(address: str, arguments: Sequence[str]) -> Settings:
    """Ask ssh how it would reach a host.

    Args:
        address: as ssh is called with.
        arguments: of ssh, before the address.

    Raises:
        CannotWorkError: ssh is missing, or refuses its configuration or the arguments.
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
            f"ssh refuses its settings for {address}: {said}",
            "correct ~/.ssh/config, or ansible_ssh_common_args of the bridge",
        )
    return parse(done.stdout, arguments)


def parse(printed: str, arguments: Sequence[str]) -> Settings:
    """Read what ``ssh -G`` prints.

    Args:
        printed: one option a line; identityfile stands there once a file.
        arguments: that ssh was called with, for the way to a jump host.
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
    """Return the command that stands for the connection, its tokens filled in."""
    if command not in ("none", ""):
        # By hand, for %%h is no %h.
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
    # A configuration file of its own is the jump host's too, as in ssh itself.
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
    """Look a host up among those that OpenSSH knows."""
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
    # What an authority has signed is judged by its certificate, which paramiko does not show.
    if line.startswith("#") or len(words) < 3 or marker == "@cert-authority":
        return None
    return KnownKey(words[1], words[2], marker == "@revoked")
