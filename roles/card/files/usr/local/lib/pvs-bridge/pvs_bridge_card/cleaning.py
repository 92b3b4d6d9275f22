"""Credentials leave the FAT partition, which anybody can read, once the Pi has stored them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pvs_bridge_card import imager, login, marker, specs, wpa_supplicant
from pvs_bridge_card.boot_partition import BootPartition, UnreadableError
from pvs_bridge_card.layers import DESCRIPTION, NETWORK_CONFIG, WPA_SUPPLICANT
from pvs_bridge_card.reading import DESCRIPTION_FILE
from pvs_bridge_card.storage import Store
from pvs_bridge_card.yaml_file import BrokenError, parse, untabbed

# Written by cloud-init when it has read all that Imager has left for it.
CLOUD_INIT_DONE = Path("/var/lib/cloud/instance/boot-finished")

_PASSWORD = re.compile(
    r"^[ \t]+(?:passwd|hashed_passwd|plain_text_passwd)[ \t]*:.*\r?\n", re.MULTILINE
)


def clean(
    partition: BootPartition,
    store: Store,
    options: Mapping[str, Any],
    cloud_init_done: Path = CLOUD_INIT_DONE,
) -> list[str]:
    """Remove what the Pi has stored.

    Args:
        partition: the FAT partition.
        store: what the Pi keeps; what is not in it stays on the partition.
        options: the variables that there are, and which of them are secret.
        cloud_init_done: there when cloud-init has made the user.

    Returns:
        what was removed, for the report; nothing where there was nothing.

    Raises:
        OSError: the partition is full or must not be written to; each file is whole.
    """
    partition.clear()
    stored = store.read("layers") or {}
    said = []
    for layer, name in ((NETWORK_CONFIG, imager.NETWORK), (WPA_SUPPLICANT, wpa_supplicant.NAME)):
        path = partition.find(name)
        if path and layer in stored:
            partition.remove(path.name)
            said.append(f"{path.name}: removed, the Pi has stored it")
    path = partition.find(login.USER_FILE)
    if path and (store.read("login") or {}).get("password_hash"):
        partition.remove(path.name)
        said.append(f"{path.name}: removed, the Pi has stored it")
    if cloud_init_done.exists():
        said += _clean_user_data(partition)
    if DESCRIPTION in stored:
        said += mask_description(partition, options, DESCRIPTION_FILE)
    return said


def mask_description(
    partition: BootPartition, options: Mapping[str, Any], name: str, new_name: str = ""
) -> list[str]:
    """Put the marker in the place of a description's secrets.

    Args:
        partition: the FAT partition.
        options: the variables that there are.
        name: of the file.
        new_name: what it is to be called; as before without one.

    Returns:
        what was done, for the report.

    Raises:
        OSError: the partition is full or must not be written to.
    """
    try:
        found = partition.read(name)
        if found is None:
            return []
        values = parse(found.text).values
    except (UnreadableError, BrokenError):
        # Nobody knows what of it is secret.
        return []
    secrets = [
        path for path in specs.secret_paths(values, options) if _at(values, path) != marker.MARKER
    ]
    if not secrets and not new_name:
        return []
    text = marker.mask(untabbed(found.text), secrets)
    partition.write(new_name or found.name, text)
    if new_name:
        partition.remove(found.name)
    return [f"{found.name}: the Pi has stored its secrets, and {marker.MARKER!r} stands for them"]


def _clean_user_data(partition: BootPartition) -> list[str]:
    try:
        found = partition.read(imager.USER)
    except UnreadableError:
        return []
    if found is None or not _PASSWORD.search(found.text):
        return []
    partition.write(found.name, _PASSWORD.sub("", found.text))
    return [f"{found.name}: the password's line was removed"]


def _at(values: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any value
    for part in path:
        values = values[part]
    return values
