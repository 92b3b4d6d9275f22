"""The login in the files userconf.txt and authorized_keys on the boot partition."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.boot_config.boot_partition import BootPartition, UnreadableError
from pvs_bridge.errors import Issue, Location

# Raspberry Pi OS accepts userconf and userconf.txt.
USER_FILE, KEYS_FILE = "userconf", "authorized_keys"
DEFAULT_USER = "pi"

# `make personalise` writes an exclamation mark, as in /etc/shadow, for a user without a password.
_USER = re.compile(r"^(?P<name>[a-z][a-z0-9_-]{0,31}):(?P<hash>\$[0-9a-z]+\$[^\s:]+|!)\s*$")
_KEY = re.compile(r"(^|\s)(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/]{40,}={0,3}(\s|$)")
_GROUPS = ("adm", "sudo", "users", "netdev", "systemd-journal")
_SUDO = Path("/etc/sudoers.d/010-pvs-bridge-boot-config")


@dataclass(frozen=True)
class Login:
    """A user of the Pi.

    Attributes:
        user: The name; ``pi`` if none is given.
        password_hash: For the console and sudo; empty without a password.
        keys: Lines of authorized_keys.
    """

    user: str = DEFAULT_USER
    password_hash: str = ""
    keys: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the login as JSON types."""
        return {"user": self.user, "password_hash": self.password_hash, "keys": list(self.keys)}


def read(partition: BootPartition) -> tuple[Login, list[Issue]]:
    """Read the files.

    Returns:
        the login, and what cannot be used.
    """
    issues: list[Issue] = []
    user, password_hash = DEFAULT_USER, ""
    keys: tuple[str, ...] = ()
    named = listed = None
    try:
        named = partition.read(USER_FILE)
        listed = partition.read(KEYS_FILE)
    except UnreadableError as error:
        issues.append(error.issue)
    if named is not None:
        match = _USER.match(named.text.strip())
        if match:
            user, password_hash = match["name"], match["hash"]
        else:
            issues.append(
                Issue(
                    "must be NAME:HASH",
                    "write a name in lower case, a colon and the output of openssl passwd -6",
                    Location(named.name, 1),
                )
            )
    if listed is not None:
        keys, wrong = _keys(listed.text)
        if wrong:
            issues.append(
                Issue(
                    "must be a public key",
                    "paste the whole line of a file whose name ends with .pub",
                    Location(listed.name, wrong),
                )
            )
    return Login(user, password_hash, keys), issues


def _keys(text: str) -> tuple[tuple[str, ...], int]:
    """Return the public keys, and the number of the first line that is not one, 0 if all are."""
    keys: list[str] = []
    wrong = 0
    for number, line in enumerate(text.splitlines(), 1):
        if _KEY.search(line):
            keys.append(line.strip())
        elif line.strip() and not line.lstrip().startswith("#"):
            wrong = wrong or number
    return tuple(keys), wrong


def provide(login: Login) -> None:
    """Create the user and add the keys, as far as they are missing.

    Raises:
        OSError: The disk is full or read-only, or the user cannot be created.
    """
    try:
        pwd.getpwnam(login.user)
    except KeyError:
        _must("useradd", "--create-home", "--shell=/bin/bash", login.user)
    for group in _GROUPS:
        # Some of these groups do not exist on every Debian.
        subprocess.run(["gpasswd", "--add", login.user, group], check=False, capture_output=True)
    if login.password_hash:
        _must("chpasswd", "--encrypted", entered=f"{login.user}:{login.password_hash}\n")
    # The card or the key already gives full access; a sudo password would only get lost.
    atomic.write(_SUDO, f"{login.user} ALL=(ALL) NOPASSWD: ALL\n".encode(), mode=0o440)
    if login.keys:
        _add_keys(login)


def _add_keys(login: Login) -> None:
    entry = pwd.getpwnam(login.user)
    folder = Path(entry.pw_dir) / ".ssh"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    file = folder / "authorized_keys"
    present = file.read_text().splitlines() if file.exists() else []
    missing = [key for key in login.keys if key not in present]
    if missing:
        atomic.write(file, "".join(f"{key}\n" for key in [*present, *missing]).encode())
        os.chown(file, entry.pw_uid, entry.pw_gid)


def _must(*command: str, entered: str = "") -> None:
    done = subprocess.run(command, input=entered, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")
