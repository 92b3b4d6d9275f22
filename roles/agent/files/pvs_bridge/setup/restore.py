"""Make this Pi the bridge of a backup."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from pvs_bridge import atomic
from pvs_bridge.backup import contents
from pvs_bridge.backup.archive import Backup
from pvs_bridge.backup.contents import CARD_LOGIN, CARD_VARIABLES, VARIABLES, File
from pvs_bridge.boot_config.login import Login
from pvs_bridge.errors import IssueError
from pvs_bridge.history import store
from pvs_bridge.history.day import Day, LineError, read_line
from pvs_bridge.setup import configuration

_HISTORY = str(store.FOLDER.relative_to("/"))
_UNITS = ("pvs-bridge-monitor.timer", "pvs-bridge-monitor.service", "pvs-bridge-compat.service")
"""They write to the files that a backup has."""

_READERS = {contents.CERTIFICATE: "haproxy.service", "etc/ssh/ssh_host_": "ssh.service"}
"""The unit that reads files whose path begins so."""


def variables(backup: Backup) -> bytes | None:
    """Return the file with the variables of a backup; None if it has none.

    Raises:
        IssueError: The backup has no valid variables.
    """
    files = backup.files
    if VARIABLES in files:
        return files[VARIABLES].data
    if CARD_VARIABLES not in files:
        return None
    try:
        found = _literal(json.loads(files[CARD_VARIABLES].data)["variables"])
    except (ValueError, KeyError, TypeError):
        raise IssueError("the backup has no valid variables", "take another backup") from None
    text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=1000)
    return f"# From the card of {backup.host}.\n{text}".encode()


def _literal(value: Any) -> Any:  # noqa: ANN401 - any value
    """Protect the values of a card, where nothing is a template, from being evaluated."""
    if isinstance(value, dict):
        return {key: _literal(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_literal(each) for each in value]
    if isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#")):
        return f"{{% raw %}}{value}{{% endraw %}}"
    return value


def login(backup: Backup) -> Login:
    """Return the user of a card's backup; the default user without a key if it has none.

    Raises:
        IssueError: The backup has no valid user.
    """
    if CARD_LOGIN not in backup.files:
        return Login()
    try:
        found = json.loads(backup.files[CARD_LOGIN].data)
        return Login(**{**found, "keys": tuple(found["keys"])})
    except (ValueError, KeyError, TypeError):
        raise IssueError("the backup has no valid user", "take another backup") from None


def restore(backup: Backup, play: Callable[[str], int], root: Path = Path("/")) -> int:
    """Configure this Pi, and then write the files that the playbook cannot know.

    Args:
        backup: What to restore.
        play: Runs the playbook with a host name, and returns its exit status.
        root: The root folder.

    Returns:
        the exit status of the playbook; if it failed, the variables are the old ones.

    Raises:
        IssueError: The backup has no valid variables.
        OSError: The disk is full or read-only.
    """
    file = root / configuration.FILE.relative_to("/")
    new = variables(backup)
    if new is not None:
        before = file.read_bytes() if file.exists() else None
        file.parent.mkdir(mode=0o755, exist_ok=True)
        contents.place(contents.differing({VARIABLES: File(new, 0o600)}, root), root)
        try:
            status = play(backup.host)
        except BaseException:
            _put_back(file, before)
            raise
        if status != 0:
            _put_back(file, before)
            return status
    files = contents.state(backup.files)
    days = _new_days(files, root)
    wanted = contents.differing(
        {name: file for name, file in files.items() if not _is_month(name)}, root
    )
    if wanted or days:
        _write_state(wanted, days, root)
    return 0


def _is_month(name: str) -> bool:
    return name.startswith(_HISTORY) and name.endswith(".jsonl")


def _new_days(files: Mapping[str, File], root: Path) -> list[Day]:
    """Return the days of a backup that this Pi does not have; its own ones stay."""
    days = []
    for name, file in files.items():
        if _is_month(name):
            known = store.read(root / name)[0] if (root / name).exists() else []
            for line in file.data.splitlines():
                with contextlib.suppress(LineError):
                    day = read_line(line)
                    days += [] if day in known else [day]
    return days


def _put_back(file: Path, before: bytes | None) -> None:
    if before is None:
        atomic.remove(file)
    else:
        atomic.write(file, before)


def _write_state(files: dict[str, File], days: list[Day], root: Path) -> None:
    active = [unit for unit in _UNITS if _systemctl("is-active", "--quiet", unit)]
    # They would write what they have in memory over the restored files.
    _systemctl("stop", *_UNITS)
    try:
        contents.place(files, root)
        if days:
            store.add(root / _HISTORY, days)
            _give_to_readers(root / _HISTORY)
    finally:
        if active:
            _systemctl("start", "--no-block", *active)
    for beginning, unit in _READERS.items():
        if any(name.startswith(beginning) for name in files):
            # A new certificate needs a restart, as in pvs_bridge.proxy.certificate.
            _systemctl("try-restart", unit)


def _give_to_readers(folder: Path) -> None:
    """Let the status service read the history, as the folder of the monitor."""
    owner = folder.parent.stat()
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)


def _systemctl(*words: str) -> bool:
    return subprocess.run(["systemctl", *words], capture_output=True, check=False).returncode == 0
