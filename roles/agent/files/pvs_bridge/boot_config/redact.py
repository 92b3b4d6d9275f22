"""Remove credentials from the boot partition, which is readable on any computer.

Only what the Pi has stored is removed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pvs_bridge.boot_config import imager, layers, login, specs, stored_secrets, wpa_supplicant
from pvs_bridge.boot_config.boot_partition import BootPartition, Found, UnreadableError
from pvs_bridge.boot_config.layers import CONFIGURATION, NETWORK_CONFIG, WPA_SUPPLICANT, Layer
from pvs_bridge.boot_config.read import CONFIGURATION_FILE
from pvs_bridge.boot_config.store import Store
from pvs_bridge.boot_config.stored_secrets import PLACEHOLDER
from pvs_bridge.boot_config.yaml_file import BrokenError, parse, untabbed

CLOUD_INIT_RESULT = Path("/run/cloud-init/result.json")
"""Written by cloud-init at the end of each boot; names its data source."""

_BOOT_PARTITION = "NoCloud"
"""cloud-init's name for the data source on the boot partition."""

_PASSWORD = re.compile(
    r"^[ \t]+(?:passwd|hashed_passwd|plain_text_passwd)[ \t]*:.*\r?\n", re.MULTILINE
)


def clean(
    partition: BootPartition,
    store: Store,
    options: Mapping[str, Any],
    cloud_init_result: Path = CLOUD_INIT_RESULT,
) -> list[str]:
    """Remove the credentials that the Pi has stored.

    Args:
        partition: The boot partition.
        store: What the Pi has stored; everything else stays on the partition.
        options: The specification of all variables, which says what is secret.
        cloud_init_result: cloud-init writes this file after it has created the user.

    Returns:
        what was removed, for the report.

    Raises:
        OSError: The partition is full or read-only; each file is complete.
    """
    stored = layers.from_json(store.read("layers"))
    removed = []
    for name in _stored_whole(partition, store, stored):
        partition.remove(name)
        removed.append(f"{name}: removed, because the Pi has stored its content")
    if _user_is_created(cloud_init_result):
        removed += _clean_user_data(partition)
    if CONFIGURATION in stored:
        old = stored[CONFIGURATION].values
        removed += mask_configuration(partition, options, old)
    return removed


def _stored_whole(
    partition: BootPartition, store: Store, stored: Mapping[str, Layer]
) -> Iterator[str]:
    """Yield the names of the files whose whole content the Pi has stored."""
    found = _read(partition, imager.NETWORK)
    if found and NETWORK_CONFIG in stored:
        with contextlib.suppress(BrokenError):
            if imager.read_network(found).values == stored[NETWORK_CONFIG].values:
                yield found.name
    found = _read(partition, wpa_supplicant.NAME)
    if found and WPA_SUPPLICANT in stored:
        layer, issues = wpa_supplicant.read(found)
        # The user needs the file to correct it.
        if layer.values == stored[WPA_SUPPLICANT].values and not issues:
            yield found.name
    found = _read(partition, login.USER_FILE)
    known = (store.read("login") or {}).get("password_hash")
    if found and known and login.read(partition)[0].password_hash == known:
        yield found.name


def _read(partition: BootPartition, name: str) -> Found | None:
    try:
        return partition.read(name)
    except UnreadableError:
        return None


def mask_configuration(
    partition: BootPartition,
    options: Mapping[str, Any],
    stored: Mapping[str, Any],
    new_name: str = "",
) -> list[str]:
    """Replace the stored secrets in pvs-bridge.yml by a placeholder.

    Args:
        partition: The boot partition.
        options: The specification of all variables.
        stored: The file's variables, as the Pi has stored them.
        new_name: A new name for the file; empty to keep its name.

    Returns:
        what was done, for the report.

    Raises:
        OSError: The partition is full or read-only.
    """
    found = _read(partition, CONFIGURATION_FILE)
    if found is None:
        return []
    try:
        parsed = parse(found.text)
    except BrokenError:
        # Its secrets cannot be found.
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
    return [f"{found.name}: the Pi has stored its secrets; {PLACEHOLDER!r} replaces them"]


def _user_is_created(result: Path) -> bool:
    try:
        return _BOOT_PARTITION in result.read_text(encoding="utf-8")
    except OSError:
        return False


def _clean_user_data(partition: BootPartition) -> list[str]:
    found = _read(partition, imager.USER)
    if found is None or not _PASSWORD.search(found.text):
        return []
    partition.write(found.name, _PASSWORD.sub("", found.text))
    return [f"{found.name}: the line with the password was removed"]
