"""The login in the files userconf.txt and authorized_keys on the boot partition."""

from __future__ import annotations

import base64
import binascii
import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.text_file import QUOTES, Found, UnreadableError
from pvs_bridge.errors import Issue, Location

# Raspberry Pi OS accepts userconf and userconf.txt.
USER_FILE, KEYS_FILE = "userconf", "authorized_keys"
DEFAULT_USER = "pi"

# `make personalise` writes an exclamation mark, as in /etc/shadow, for a user without a password.
_USER = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_-]{0,31})\s*:\s*(?P<hash>\$[0-9a-z]+\$[^\s:]+|!)")
# Names that sudoers and useradd take without quotes.
_NAME = re.compile(r"[a-z_][a-z0-9_.-]*")
_KEY = re.compile(r"(?:^|\s)((?:ssh|ecdsa|sk)-\S+) +([A-Za-z0-9+/]{40,}={0,3})(?=\s|$)")
# PuTTYgen saves a public key in the form of RFC 4716.
_RFC4716 = re.compile(
    r"---- BEGIN SSH2 PUBLIC KEY ----\s*\n(?P<body>.*?)---- END SSH2 PUBLIC KEY ----", re.DOTALL
)
_HEADER = re.compile(r"^[\w-]+:.*(?:\\\n.*)*\n", re.MULTILINE)
_GROUPS = ("adm", "sudo", "users", "netdev", "systemd-journal")
_SUDO = Path("/etc/sudoers.d/010-pvs-bridge-boot-config")


@dataclass(frozen=True)
class Login:
    """A user of the Pi.

    Attributes:
        user: The name; ``pi`` if none is given.
        password_hash: For the console and sudo; empty without a password.
        keys: Lines of authorized_keys.
        form_user: The user of Imager's form, if only the bridge lets them become root.
    """

    user: str = DEFAULT_USER
    password_hash: str = ""
    keys: tuple[str, ...] = ()
    form_user: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the login as JSON types."""
        return {
            "user": self.user,
            "password_hash": self.password_hash,
            "keys": list(self.keys),
            "form_user": self.form_user,
        }

    @property
    def is_given(self) -> bool:
        """Whether the files have a login."""
        return bool(self.password_hash or self.keys or self.form_user)


def read(partition: BootPartition) -> tuple[Login, list[Issue], list[Issue]]:
    """Read the files.

    Returns:
        the login, what cannot be used, and what was read in another way than it is written.
    """
    issues: list[Issue] = []
    notes: list[Issue] = []
    user, password_hash = DEFAULT_USER, ""
    try:
        named = partition.read(USER_FILE)
    except UnreadableError as error:
        issues.append(error.issue)
        named = None
    for number, line in _lines(named):
        place = Location(named.name if named else "", number)
        match = _USER.fullmatch(line)
        if match is None:
            problem = "must be NAME:HASH"
            hint = "write a name in lower case, a colon and the output of openssl passwd -6"
            issues.append(Issue(problem, hint, place))
            continue
        user, password_hash = match["name"].lower(), match["hash"]
        if user != match["name"]:
            notes.append(Issue(f"the user is called {user}", "write it in lower case", place))
    keys: dict[str, None] = {}
    for found in _key_files(partition, issues, notes):
        keys |= dict.fromkeys(_keys(found, issues, notes))
    return Login(user, password_hash, tuple(keys)), issues, notes


def _key_files(
    partition: BootPartition, issues: list[Issue], notes: list[Issue]
) -> Iterator[Found]:
    """Yield authorized_keys, and each public key under its own name."""
    own = [name for name in partition.names() if name.lower().endswith(".pub")]
    for name in dict.fromkeys([*partition.find(KEYS_FILE)[:1], *own]):
        try:
            yield partition.read_exact(name)
        except UnreadableError as error:
            issues.append(error.issue)
        if name.lower() not in (KEYS_FILE, f"{KEYS_FILE}.txt"):
            hint = f"rename it to {KEYS_FILE}"
            notes.append(Issue("was read as authorized_keys", hint, Location(name)))


def _keys(found: Found, issues: list[Issue], notes: list[Issue]) -> Iterator[str]:
    """Yield the public keys."""
    text = found.text
    for block in _RFC4716.finditer(text):
        data = re.sub(r"\s", "", _HEADER.sub("", block["body"]))
        began = text.count("\n", 0, block.start()) + 1
        kind = _kind(data)
        if kind:
            yield f"{kind} {data}"
            problem = "is a key in PuTTY's form, and was converted"
            notes.append(
                Issue(problem, "paste the line that PuTTYgen shows", Location(found.name, began))
            )
    rest = _RFC4716.sub(lambda block: "\n" * block[0].count("\n"), text)
    wrong = ""
    for number, line in _lines(Found(found.name, rest)):
        key = _KEY.search(line)
        if key and _kind(key[2]):
            yield line
        elif not wrong:
            wrong = "must be a public key"
            hint = "paste the whole line of a file whose name ends with .pub"
            if "PRIVATE KEY" in line:
                wrong = "is a private key, which must stay on your computer"
                hint = "remove it from the card, and paste the file that ends with .pub"
            elif key:
                wrong = "is a part of a public key"
            issues.append(Issue(wrong, hint, Location(found.name, number)))


def _kind(data: str) -> str:
    """Return the type of a key, which its data begins with; empty if the data is incomplete.

    Args:
        data: In base 64: fields, each after its length in four bytes (RFC 4253, section 6.6).
    """
    try:
        left = base64.b64decode(data, validate=True)
    except binascii.Error:
        return ""
    fields = []
    while len(left) >= 4:
        length = int.from_bytes(left[:4], "big")
        if length > len(left) - 4:
            return ""
        fields.append(left[4 : 4 + length])
        left = left[4 + length :]
    return "" if left or len(fields) < 2 else fields[0].decode("ascii", "replace")


def _lines(found: Found | None) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not comments, without quotation marks around them."""
    for number, line in enumerate(found.text.split("\n") if found else (), 1):
        text = line.strip()
        if len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES:
            text = text[1:-1].strip()
        if text and not text.startswith("#"):
            yield number, text


def provide(login: Login) -> None:
    """Create the user and add the keys, as far as they are missing.

    Raises:
        OSError: The disk is full or read-only, or the user cannot be created.
    """
    # The card or the key already gives full access; a sudo password would only get lost.
    own = login.user if login.password_hash or login.keys else ""
    names = [name for name in (own, login.form_user) if _NAME.fullmatch(name)]
    rules = "".join(f"{name} ALL=(ALL) NOPASSWD: ALL\n" for name in names)
    atomic.write(_SUDO, rules.encode(), mode=0o440)
    if not own:
        return
    try:
        pwd.getpwnam(own)
    except KeyError:
        _must("useradd", "--create-home", "--shell=/bin/bash", own)
    for group in _GROUPS:
        # Some of these groups do not exist on every Debian.
        subprocess.run(["gpasswd", "--add", own, group], check=False, capture_output=True)
    if login.password_hash:
        _must("chpasswd", "--encrypted", entered=f"{own}:{login.password_hash}\n")
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
