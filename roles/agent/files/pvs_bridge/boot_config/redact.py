"""Remove credentials from the boot partition, which is readable on any computer.

Only what the Pi has stored is removed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pvs_bridge.boot_config import imager, layers, login, specs, stored_secrets, wpa_supplicant
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.layers import CONFIGURATION, NETWORK_CONFIG, WPA_SUPPLICANT, Layer
from pvs_bridge.boot_config.read import CONFIGURATION_FILE
from pvs_bridge.boot_config.store import Store
from pvs_bridge.boot_config.stored_secrets import PLACEHOLDER
from pvs_bridge.boot_config.text_file import Found, UnreadableError
from pvs_bridge.boot_config.yaml_file import BrokenError, parse

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
    outcome = store.read("outcome") or {}
    wrong = [*outcome.get("issue_places", []), *outcome.get("rejected_places", [])]
    removed = []
    for name in _stored_whole(partition, store, stored):
        # A person needs the file to correct it.
        if name in (file for file, _ in wrong):
            continue
        partition.remove(name)
        removed.append(f"{name}: removed, because the Pi has stored its content")
    if user_is_created(cloud_init_result):
        removed += _clean_user_data(partition)
    if CONFIGURATION in stored:
        old = stored[CONFIGURATION].values
        variables = {layers.parsed(variable)[0] for _, variable in wrong if variable}
        removed += mask_configuration(partition, options, old, kept=variables)
    return removed


def _stored_whole(
    partition: BootPartition, store: Store, stored: Mapping[str, Layer]
) -> Iterator[str]:
    """Yield the names of the files whose whole content the Pi has stored."""
    found = _read(partition, imager.NETWORK)
    if found and NETWORK_CONFIG in stored:
        with contextlib.suppress(BrokenError):
            layer, issues = imager.read_network(found)
            if layer.values == stored[NETWORK_CONFIG].values and not issues:
                yield found.name
    found = _read(partition, wpa_supplicant.NAME)
    if found and WPA_SUPPLICANT in stored:
        read = wpa_supplicant.read(found)
        # If the encoding was guessed wrongly, a person needs the file to correct it.
        certain = not read.issues and not found.guessed
        if certain and read.layer.values == stored[WPA_SUPPLICANT].values:
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
    kept: Collection[str | int] = (),
) -> list[str]:
    """Replace the stored secrets in pvs-bridge.yml by a placeholder.

    Args:
        partition: The boot partition.
        options: The specification of all variables.
        stored: The file's variables, as the Pi has stored them.
        new_name: A new name for the file; empty to keep its name.
        kept: The variables whose secrets stay, because they have to be corrected.

    Returns:
        what was done, for the report.

    Raises:
        OSError: The partition is full or read-only.
    """
    found = _read(partition, CONFIGURATION_FILE)
    if found is None:
        return []
    try:
        values = parse(found.text, options=options).values
    except BrokenError:
        # Its secrets cannot be found.
        return []
    secrets = [
        path
        for path in specs.secret_paths(values, options)
        if path[0] not in kept
        and not found.guessed
        and stored_secrets.is_stored(values, path, stored)
    ]
    if not secrets and not new_name:
        return []
    partition.write(new_name or found.name, stored_secrets.mask(found.text, secrets, options))
    if new_name:
        partition.remove(found.name)
    return [f"{found.name}: the Pi has stored its secrets; {PLACEHOLDER!r} replaces them"]


def user_is_created(result: Path) -> bool:
    """Return whether cloud-init has read the boot partition.

    Args:
        result: cloud-init writes this file at the end of each boot.
    """
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
