"""Read the files on the boot partition."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pvs_bridge.boot_config import imager, specs, stored_secrets, wpa_supplicant
from pvs_bridge.boot_config.boot_partition import BootPartition, Found, UnreadableError
from pvs_bridge.boot_config.layers import (
    CONFIGURATION,
    COUNTRY,
    NETWORK_CONFIG,
    USER_DATA,
    WPA_SUPPLICANT,
    Layer,
    Layers,
    merged,
)
from pvs_bridge.boot_config.yaml_file import BrokenError, parse
from pvs_bridge.errors import Issue

CONFIGURATION_FILE = "pvs-bridge.yml"
_WORLD = "00"
"""The regulatory domain with what is allowed in every country."""


@dataclass
class Reading:
    """What was read.

    Attributes:
        layers: What each file configures, with secrets. A file that is missing or unreadable
            keeps its stored layer.
        issues: What was left out.
        notes: Further information for the user.
        user: The user of Imager's form.
    """

    layers: dict[str, Layer]
    issues: list[Issue] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    user: imager.User = field(default_factory=imager.User)


def read(partition: BootPartition, stored: Layers, options: dict[str, Any]) -> Reading:
    """Read the boot partition.

    Args:
        partition: The boot partition.
        stored: The layers that were read before.
        options: The specification of all variables.
    """
    reading = Reading(dict(stored))
    found = _found(partition, imager.USER, reading)
    if found:
        try:
            reading.user = imager.read_user(found)
        except BrokenError as error:
            reading.issues.append(error.issue)
        if reading.user.hostname:
            reading.layers[USER_DATA] = Layer(
                found.name,
                {"uplink_hostname": reading.user.hostname},
                {"uplink_hostname": reading.user.hostname_line},
            )
    found = _found(partition, imager.NETWORK, reading)
    if found:
        try:
            reading.layers[NETWORK_CONFIG] = imager.read_network(found)
        except BrokenError as error:
            reading.issues.append(error.issue)
    found = _found(partition, wpa_supplicant.NAME, reading)
    if found:
        layer, issues = wpa_supplicant.read(found)
        reading.layers[WPA_SUPPLICANT] = layer
        reading.issues += issues
    found = _found(partition, CONFIGURATION_FILE, reading)
    if found:
        _read_configuration(found, reading, stored, options)
    _choose_country(partition, reading)
    return reading


def _found(partition: BootPartition, name: str, reading: Reading) -> Found | None:
    try:
        return partition.read(name)
    except UnreadableError as error:
        reading.issues.append(error.issue)
        return None


def _read_configuration(
    found: Found, reading: Reading, stored: Layers, options: dict[str, Any]
) -> None:
    try:
        parsed = parse(found.text, found.name)
    except BrokenError as error:
        active = "its previous content is active" if CONFIGURATION in stored else "it is ignored"
        hint = f"{error.issue.hint}; until then {active}"
        reading.issues.append(dataclasses.replace(error.issue, hint=hint))
        return
    if parsed.tabs:
        reading.notes.append(f"{found.name}: YAML forbids tabs; each was read as two spaces")
    old = stored[CONFIGURATION].values if CONFIGURATION in stored else {}
    values, unknown = stored_secrets.fill(specs.as_texts(parsed.values, options, parsed.words), old)
    layer = Layer(found.name, values, parsed.lines)
    reading.issues += parsed.issues
    # In descending order, because removing an item moves the items after it.
    for path in reversed(unknown):
        reading.issues.append(stored_secrets.unknown_secret(layer.location(path)))
        layer = layer.without(path)
    for name in [each for each in values if each not in options]:
        hint = specs.suggestion(name, options)
        reading.issues.append(Issue("unknown variable", hint, layer.location((name,))))
        layer = layer.without((name,))
    reading.layers[CONFIGURATION] = layer


def _choose_country(partition: BootPartition, reading: Reading) -> None:
    """Choose the radio's country if no file sets it."""
    variables = merged({name: each for name, each in reading.layers.items() if name != COUNTRY})
    if variables.get("uplink_country") or variables.get("uplink_type", "wifi") != "wifi":
        reading.layers.pop(COUNTRY, None)
        return
    known = reading.layers.get(COUNTRY)
    if known is None or known.values["uplink_country"] == _WORLD:
        source, country = next(
            (each for each in _countries(partition, reading.user) if each[1]), ("", _WORLD)
        )
        reading.layers[COUNTRY] = Layer(source, {"uplink_country": country})
    known = reading.layers[COUNTRY]
    country = known.values["uplink_country"]
    chosen = (
        f"{country} was taken from {known.file}"
        if known.file
        else "only channels that are allowed in every country are used, so yours may be missing"
    )
    reading.notes.append(
        f"uplink_country is not set; {chosen}. Hint: write uplink_country, such as US, into "
        f"{CONFIGURATION_FILE}"
    )


def _countries(partition: BootPartition, user: imager.User) -> Iterable[tuple[str, str]]:
    for source in (partition.folder / "cmdline.txt", Path("/proc/cmdline")):
        try:
            text = source.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        yield "cmdline.txt", imager.country_of_kernel(text)
    yield f"the time zone in {imager.USER}", imager.country_of_timezone(user.timezone)
