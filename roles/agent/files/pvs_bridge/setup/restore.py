"""Make this Pi the bridge of a backup."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from pvs_bridge import atomic
from pvs_bridge.backup import contents
from pvs_bridge.backup.archive import Backup
from pvs_bridge.backup.contents import CARD_LOGIN, CARD_VARIABLES, VARIABLES, File
from pvs_bridge.boot_config.login import Login
from pvs_bridge.errors import IssueError
from pvs_bridge.setup import configuration

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
        found = json.loads(files[CARD_VARIABLES].data)["variables"]
    except (ValueError, KeyError, TypeError):
        raise IssueError("the backup has no valid variables", "take another backup") from None
    text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=1000)
    return f"# From the card of {backup.host}.\n{text}".encode()


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
    wanted = contents.differing(contents.state(backup.files), root)
    if wanted:
        _write_state(wanted, root)
    return 0


def _put_back(file: Path, before: bytes | None) -> None:
    if before is None:
        atomic.remove(file)
    else:
        atomic.write(file, before)


def _write_state(files: dict[str, File], root: Path) -> None:
    active = [unit for unit in _UNITS if _systemctl("is-active", "--quiet", unit)]
    # They would write what they have in memory over the restored files.
    _systemctl("stop", *_UNITS)
    try:
        contents.place(files, root)
    finally:
        if active:
            _systemctl("start", "--no-block", *active)
    for beginning, unit in _READERS.items():
        if any(name.startswith(beginning) for name in files):
            # A new certificate needs a restart, as in pvs_bridge.proxy.certificate.
            _systemctl("try-restart", unit)


def _systemctl(*words: str) -> bool:
    return subprocess.run(["systemctl", *words], capture_output=True, check=False).returncode == 0
