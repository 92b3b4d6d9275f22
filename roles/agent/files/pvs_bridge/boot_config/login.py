"""Who may log in, the old way: userconf.txt, authorized_keys, an empty file ssh."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.boot_config.boot_partition import BootPartition, UnreadableError

# Raspberry Pi OS knows it with .txt behind it and without.
USER_FILE, KEYS_FILE = "userconf", "authorized_keys"
DEFAULT_USER = "pi"

_USER = re.compile(r"^(?P<name>[a-z][a-z0-9_-]{0,31}):(?P<hash>\$[0-9a-z]+\$[^\s:]+)\s*$")
_KEY = re.compile(r"(^|\s)(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/]{40,}={0,3}(\s|$)")
_GROUPS = ("adm", "sudo", "users", "netdev", "systemd-journal")
_SUDO = Path("/etc/sudoers.d/010-pvs-bridge-boot-config")


@dataclass(frozen=True)
class Login:
    """Who was described.

    Attributes:
        user: name, ``pi`` where none is given.
        password_hash: for the console and sudo; empty without one.
        keys: lines of authorized_keys.
        mistakes: file, line, problem and hint.
        wanted: whether any of the files is there.
    """

    user: str = DEFAULT_USER
    password_hash: str = ""
    keys: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    wanted: bool = False


def read(partition: BootPartition) -> Login:
    """Read what the files say."""
    mistakes: list[str] = []
    user, password_hash = DEFAULT_USER, ""
    keys: tuple[str, ...] = ()
    named = listed = None
    try:
        named = partition.read(USER_FILE)
        listed = partition.read(KEYS_FILE)
    except UnreadableError as error:
        mistakes.append(str(error))
    if named is not None:
        match = _USER.match(named.text.strip())
        if match:
            user, password_hash = match["name"], match["hash"]
        else:
            mistakes.append(
                f"{named.name} line 1: is not NAME:HASH. Hint: write a name in small letters, "
                "a colon and what openssl passwd -6 prints"
            )
    if listed is not None:
        keys, wrong = _keys(listed.text)
        if wrong:
            mistakes.append(
                f"{listed.name} line {wrong}: is no public key. Hint: paste the whole line of a "
                "file whose name ends with .pub"
            )
    wanted = named is not None or listed is not None
    return Login(user, password_hash, keys, tuple(mistakes), wanted)


def _keys(text: str) -> tuple[tuple[str, ...], int]:
    """Return the public keys, and the first line that is none, 0 where all are."""
    keys: list[str] = []
    wrong = 0
    for number, line in enumerate(text.splitlines(), 1):
        if _KEY.search(line):
            keys.append(line.strip())
        elif line.strip() and not line.lstrip().startswith("#"):
            wrong = wrong or number
    return tuple(keys), wrong


def provide(login: Login) -> None:
    """Make the user, and let the keys in; what is so already stays untouched.

    Raises:
        OSError: the disk is full or must not be written to, or the user cannot be made.
    """
    if not (login.password_hash or login.keys):
        return
    try:
        pwd.getpwnam(login.user)
    except KeyError:
        _must("useradd", "--create-home", "--shell=/bin/bash", login.user)
    for group in _GROUPS:
        # Not every Debian has all of them.
        subprocess.run(["gpasswd", "--add", login.user, group], check=False, capture_output=True)
    if login.password_hash:
        _must("chpasswd", "--encrypted", entered=f"{login.user}:{login.password_hash}\n")
    # Whoever has the card, or the key, is the owner; the password would be one more to lose.
    atomic.write(_SUDO, f"{login.user} ALL=(ALL) NOPASSWD: ALL\n".encode(), mode=0o440)
    if login.keys:
        _let_in(login)


def _let_in(login: Login) -> None:
    entry = pwd.getpwnam(login.user)
    folder = Path(entry.pw_dir) / ".ssh"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    file = folder / "authorized_keys"
    there = file.read_text().splitlines() if file.exists() else []
    missing = [key for key in login.keys if key not in there]
    if missing:
        atomic.write(file, "".join(f"{key}\n" for key in [*there, *missing]).encode())
        os.chown(file, entry.pw_uid, entry.pw_gid)


def _must(*command: str, entered: str = "") -> None:
    done = subprocess.run(command, input=entered, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")
