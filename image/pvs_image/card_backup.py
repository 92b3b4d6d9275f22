"""Make the files of a card from a backup of its bridge."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from pvs_bridge.backup import age, archive, contents
from pvs_bridge.boot_config import restored
from pvs_bridge.boot_config.login import DEFAULT_USER, Login
from pvs_bridge.errors import IssueError
from pvs_bridge.setup.restore import login, variables
from pvs_image.bridge_configuration import BridgeConfiguration
from pvs_image.errors import ImageError

STATE_FILE = restored.FILE
"""On the boot partition: what the Pi takes over at its first boot."""


@dataclass(frozen=True)
class CardBackup:
    """What a card gets from a backup.

    Attributes:
        configuration: the bridge's variables.
        login: the user of the card, with keys; without keys if the backup is not of a card.
        state: the archive with keys and history.
    """

    configuration: BridgeConfiguration
    login: Login
    state: bytes


def read_backup(file: Path, identity: Path | None) -> CardBackup:
    """Decrypt and check a backup.

    Args:
        file: of pvs-bridge backup.
        identity: a private key; without it, age asks for the passphrase.

    Raises:
        ImageError: it cannot be decrypted, is damaged, or has no variables.
    """
    try:
        age.check_installed()
        backup = age.decrypt(file, identity, archive.read)
        text = variables(backup)
        user = login(backup)
    except IssueError as error:
        place = f"{error.issue.location}: " if str(error.issue.location) else ""
        raise ImageError(place + error.issue.problem, error.issue.hint) from None
    found = yaml.safe_load(text) if text is not None else None
    if not isinstance(found, dict):
        raise ImageError(
            f"{file} has no variables, because a computer had provisioned {backup.host}",
            "use that computer's inventory: make personalise LIMIT=",
        )
    configuration = BridgeConfiguration(
        backup.host, str(file), {"uplink_hostname": backup.host, **found}, user.user or DEFAULT_USER
    )
    state = io.BytesIO()
    archive.write(replace(backup, files=contents.state(backup.files)), state)
    return CardBackup(configuration, user, state.getvalue())
