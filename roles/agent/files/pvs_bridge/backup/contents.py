"""What a backup has: what neither the playbook nor the PVS could give to a new card again."""

from __future__ import annotations

import grp
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pvs_bridge import atomic

VARIABLES = "etc/pvs-bridge/bridge.yml"
CARD_VARIABLES = "etc/pvs-bridge/boot-config/applied.json"
CARD_LOGIN = "etc/pvs-bridge/boot-config/login.json"
CERTIFICATE = "etc/haproxy/pvs-bridge/self-signed.pem"

CONFIGURATION = (
    # The variables of a Pi that the package configures, with all passwords and own.pem.
    VARIABLES,
    # The same of a card: what its boot partition has configured, and who may log in.
    CARD_VARIABLES,
    CARD_LOGIN,
)
STATE = (
    # A program that remembers the bridge's key accepts the new card; an SSH client too.
    CERTIFICATE,
    "etc/ssh/ssh_host_*_key",
    "etc/ssh/ssh_host_*_key.pub",
    # The energy of past days, the events on the page, and the panels that must be there.
    "var/lib/pvs-bridge-monitor/history/[0-9][0-9][0-9][0-9]-[0-9][0-9].jsonl",
    "var/lib/pvs-bridge-monitor/history/[0-9][0-9][0-9][0-9]-[0-9][0-9].damaged",
    "var/lib/pvs-bridge-monitor/events.jsonl",
    "var/lib/pvs-bridge-monitor/known.json",
    # The PVS's certificate when it was first seen, and the devices of the plant.
    "var/lib/private/pvs-bridge-compat/certificate",
    "var/lib/private/pvs-bridge-compat/pvs.json",
)
"""Files by their path below the root. Left out are:

- All other files in /etc, which the playbook writes from the variables.
- day.json, rebooted and the record of messages: their times count from the start of this Pi.
- /var/lib/pvs-bridge: the rollback of this Pi's network, and what its updates have said.
- The totals for Home Assistant, which the broker keeps.
- The users of a Pi that the package configures: they are not the bridge's.
"""

_KEPT = ".before-restore~"
_FOLDER_GROUP = "haproxy"


@dataclass(frozen=True)
class File:
    """A file of a backup.

    Attributes:
        data: Its content.
        mode: Its permissions.
    """

    data: bytes
    mode: int


def is_part(name: str) -> bool:
    """Return whether a path below the root may be in a backup."""
    # fnmatch lets * match a slash.
    return any(
        fnmatchcase(name, each) and name.count("/") == each.count("/") and ".." not in name
        for each in (*CONFIGURATION, *STATE)
    )


def state(files: Mapping[str, File]) -> dict[str, File]:
    """Return the files without the configuration."""
    return {name: file for name, file in files.items() if name not in CONFIGURATION}


def collect(root: Path) -> dict[str, File]:
    """Read the files of this Pi, by their path below the root.

    Raises:
        OSError: A file cannot be read.
    """
    found = {}
    for pattern in (*CONFIGURATION, *STATE):
        for path in sorted(root.glob(pattern)):
            if path.is_file() and not path.is_symlink():
                mode = path.stat().st_mode & 0o644
                found[str(path.relative_to(root))] = File(path.read_bytes(), mode)
    return found


def differing(files: Mapping[str, File], root: Path) -> dict[str, File]:
    """Return the files that this Pi does not have with the same content."""
    return {name: file for name, file in files.items() if _content(root / name) != file.data}


def place(files: Mapping[str, File], root: Path) -> None:
    """Write files, and keep what each of them replaces beside it.

    Args:
        files: By their path below the root.
        root: The root folder.

    Raises:
        OSError: The disk is full or read-only.
    """
    for name, file in files.items():
        path = root / name
        _make_folder(path.parent)
        before = _content(path)
        # Such as haproxy's group, which reads the certificate.
        owner = (path if before is not None else path.parent).stat()
        if before is not None:
            kept = path.with_name(path.name + _KEPT)
            atomic.write(kept, before, path.stat().st_mode & 0o777)
        atomic.write(path, file.data, file.mode)
        os.chown(path, owner.st_uid, owner.st_gid)


def _make_folder(folder: Path) -> None:
    """Make a folder as systemd makes the one of a service; it gives it to the service's user."""
    if folder.exists():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700 if folder.name == "private" else 0o750)
    if folder.is_relative_to("/var/lib/pvs-bridge-monitor"):
        # The status service reads it.
        os.chown(folder, 0, grp.getgrnam(_FOLDER_GROUP).gr_gid)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
