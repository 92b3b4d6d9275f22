"""Who may log in, the old way: userconf.txt, authorized_keys, an empty file ssh."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge_card import storage
from pvs_bridge_card.boot_partition import BootPartition, UnreadableError

USER_FILE, KEYS_FILE, SSH_FILE = "userconf.txt", "authorized_keys", "ssh"
DEFAULT_USER = "pi"

_USER = re.compile(r"^(?P<name>[a-z][a-z0-9_-]{0,31}):(?P<hash>\$[0-9a-z]+\$[^\s:]+)\s*$")
_KEY = re.compile(r"(^|\s)(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/]{40,}={0,3}(\s|$)")
_GROUPS = ("adm", "sudo", "users", "netdev", "systemd-journal")
_SUDO = Path("/etc/sudoers.d/010-pvs-bridge-card")


@dataclass(frozen=True)
class Login:
    """Who was described.

    Attributes:
        user: name, ``pi`` where none is given.
        password_hash: for the console and sudo; empty without one.
        keys: lines of authorized_keys.
        mistakes: file, line, problem and cure.
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
    user, password_hash, keys = DEFAULT_USER, "", []
    wanted = False
    try:
        found = partition.read(USER_FILE)
        if found is not None:
            wanted = True
            match = _USER.match(found.text.strip())
            if match:
                user, password_hash = match["name"], match["hash"]
            else:
                mistakes.append(
                    f"{found.name} line 1: is not NAME:HASH. Cure: write a name in small letters, "
                    "a colon and what openssl passwd -6 prints"
                )
        found = partition.read(KEYS_FILE)
        if found is not None:
            wanted = True
            for number, line in enumerate(found.text.splitlines(), 1):
                if _KEY.search(line):
                    keys.append(line.strip())
                elif line.strip() and not line.lstrip().startswith("#"):
                    mistakes.append(
                        f"{found.name} line {number}: is no public key. Cure: paste the whole line "
                        "of a file whose name ends with .pub"
                    )
    except UnreadableError as error:
        mistakes.append(str(error))
    return Login(user, password_hash, tuple(keys), tuple(mistakes), wanted)


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
    storage.write(_SUDO, f"{login.user} ALL=(ALL) NOPASSWD: ALL\n".encode(), mode=0o440)
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
        storage.write(file, "".join(f"{key}\n" for key in [*there, *missing]).encode())
        os.chown(file, entry.pw_uid, entry.pw_gid)


def _must(*command: str, entered: str = "") -> None:
    done = subprocess.run(command, input=entered, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")
