"""Credentials leave the FAT partition, which anybody can read, once the Pi has stored them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pvs_bridge.boot_config import imager, layers, login, specs, stored_secrets, wpa_supplicant
from pvs_bridge.boot_config.boot_partition import BootPartition, Found, UnreadableError
from pvs_bridge.boot_config.layers import DESCRIPTION, NETWORK_CONFIG, WPA_SUPPLICANT, Layer
from pvs_bridge.boot_config.read import DESCRIPTION_FILE
from pvs_bridge.boot_config.store import Store
from pvs_bridge.boot_config.yaml_file import BrokenError, parse, untabbed

CLOUD_INIT_RESULT = Path("/run/cloud-init/result.json")
"""Written by cloud-init at the end of each boot; says what it has taken its data from."""

_FROM_CARD = "NoCloud"

_PASSWORD = re.compile(
    r"^[ \t]+(?:passwd|hashed_passwd|plain_text_passwd)[ \t]*:.*\r?\n", re.MULTILINE
)


def clean(
    partition: BootPartition,
    store: Store,
    options: Mapping[str, Any],
    cloud_init_result: Path = CLOUD_INIT_RESULT,
) -> list[str]:
    """Remove what the Pi has stored.

    Args:
        partition: the FAT partition.
        store: what the Pi keeps; what is not in it stays on the partition.
        options: the variables that there are, and which of them are secret.
        cloud_init_result: what cloud-init says when it has made the user.

    Returns:
        what was removed, for the report; nothing where there was nothing.

    Raises:
        OSError: the partition is full or must not be written to; each file is whole.
    """
    partition.clear()
    stored = layers.from_json(store.read("layers"))
    said = []
    for name in _stored_whole(partition, store, stored):
        partition.remove(name)
        said.append(f"{name}: removed, the Pi has stored it")
    if _has_made_the_user(cloud_init_result):
        said += _clean_user_data(partition)
    if DESCRIPTION in stored:
        old = stored[DESCRIPTION].values
        said += mask_description(partition, options, old)
    return said


def _stored_whole(
    partition: BootPartition, store: Store, stored: Mapping[str, Layer]
) -> Iterator[str]:
    """Name the files that say nothing which the Pi has not stored."""
    found = _read(partition, imager.NETWORK)
    if found and NETWORK_CONFIG in stored:
        with contextlib.suppress(BrokenError):
            if imager.read_network(found).values == stored[NETWORK_CONFIG].values:
                yield found.name
    found = _read(partition, wpa_supplicant.NAME)
    if found and WPA_SUPPLICANT in stored:
        layer, mistakes = wpa_supplicant.read(found)
        # A person mends a file best that is still there.
        if layer.values == stored[WPA_SUPPLICANT].values and not mistakes:
            yield found.name
    found = _read(partition, login.USER_FILE)
    known = (store.read("login") or {}).get("password_hash")
    if found and known and login.read(partition).password_hash == known:
        yield found.name


def _read(partition: BootPartition, name: str) -> Found | None:
    try:
        return partition.read(name)
    except UnreadableError:
        return None


def mask_description(
    partition: BootPartition,
    options: Mapping[str, Any],
    stored: Mapping[str, Any],
    new_name: str = "",
) -> list[str]:
    """Put the marker in the place of the description's secrets that the Pi would find again.

    Args:
        partition: the FAT partition.
        options: the variables that there are.
        stored: the description's variables, as the Pi has stored them.
        new_name: what the file is to be called; as before without one.

    Returns:
        what was done, for the report.

    Raises:
        OSError: the partition is full or must not be written to.
    """
    found = _read(partition, DESCRIPTION_FILE)
    if found is None:
        return []
    try:
        parsed = parse(found.text)
    except BrokenError:
        # Nobody knows what of it is secret.
        return []
    values = specs.as_texts(parsed.values, options, parsed.words)
    secrets = [
        path
        for path in specs.secret_paths(values, options)
        if stored_secrets.is_stored(values, path, stored)
    ]
    if not secrets and not new_name:
        return []
    partition.write(new_name or found.name, stored_secrets.mask(untabbed(found.text), secrets))
    if new_name:
        partition.remove(found.name)
    return [f"{found.name}: the Pi has stored its secrets; {stored_secrets.MARKER!r} replaces them"]


def _has_made_the_user(result: Path) -> bool:
    try:
        return _FROM_CARD in result.read_text(encoding="utf-8")
    except OSError:
        return False


def _clean_user_data(partition: BootPartition) -> list[str]:
    found = _read(partition, imager.USER)
    if found is None or not _PASSWORD.search(found.text):
        return []
    partition.write(found.name, _PASSWORD.sub("", found.text))
    return [f"{found.name}: the password's line was removed"]
