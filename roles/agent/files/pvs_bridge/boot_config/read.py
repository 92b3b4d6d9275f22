"""Read the files on the boot partition."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pvs_bridge.boot_config import (
    imager,
    other_files,
    specs,
    stored_secrets,
    wpa_supplicant,
)
from pvs_bridge.boot_config.boot_partition import BootPartition
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
from pvs_bridge.boot_config.text_file import Found, UnreadableError
from pvs_bridge.boot_config.yaml_file import BrokenError, parse
from pvs_bridge.errors import Issue, Location

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
    reading.issues += other_files.issues(partition.names())
    found = _found(partition, imager.USER, reading)
    if found:
        _read_user_data(found, partition.names(), reading)
    found = _found(partition, imager.NETWORK, reading)
    if found:
        try:
            layer, issues = imager.read_network(found)
        except BrokenError as error:
            reading.issues.append(_kept(error.issue, NETWORK_CONFIG in stored))
        else:
            _keep_or_take(NETWORK_CONFIG, layer, found, reading)
            reading.issues += issues
    found = _found(partition, wpa_supplicant.NAME, reading)
    if found:
        supplicant = wpa_supplicant.read(found)
        reading.issues += supplicant.issues
        reading.notes += [str(each) for each in supplicant.notes]
        if supplicant.complete or WPA_SUPPLICANT not in stored:
            _keep_or_take(WPA_SUPPLICANT, supplicant.layer, found, reading)
    found = _found(partition, CONFIGURATION_FILE, reading)
    if found:
        _read_configuration(found, reading, stored, options)
    _choose_country(partition, reading)
    return reading


def _found(partition: BootPartition, name: str, reading: Reading) -> Found | None:
    try:
        found = partition.read(name)
    except UnreadableError as error:
        reading.issues.append(_kept(error.issue, True))
        return None
    if found:
        reading.notes += found.notes
        if found.guessed:
            note = Issue(
                "has letters that are not UTF-8, and were read as those of Windows-1252",
                "if a name or a passphrase has other ones, save the file with the encoding UTF-8",
                Location(found.name, found.guessed),
            )
            reading.notes.append(str(note))
    return found


def _kept(issue: Issue, stored: bool) -> Issue:
    """Say what is active as long as a file cannot be used."""
    active = "its previous content is active" if stored else "it is ignored"
    return dataclasses.replace(issue, hint=f"{issue.hint}; until then {active}")


def _keep_or_take(name: str, layer: Layer, found: Found, reading: Reading) -> None:
    """Take what a file configures; keep what it configured before if it is empty now."""
    before = reading.layers.get(name)
    if layer.values or not before:
        reading.layers[name] = layer
    if layer.values or (found.text.strip() and not (before and before.values)):
        return
    problem = "is empty" if not found.text.strip() else "has no setting"
    hint = "write it again" if before else "write it again, or remove it"
    reading.issues.append(_kept(Issue(problem, hint, Location(found.name)), bool(before)))


def _read_user_data(found: Found, names: list[str], reading: Reading) -> None:
    try:
        reading.user = imager.read_user(found)
    except BrokenError as error:
        reading.issues.append(error.issue)
        return
    user = reading.user
    problem = imager.refused(found, names) if user.name else None
    if problem:
        reading.issues.append(problem)
        reading.user = user = dataclasses.replace(
            user, name="", has_key=False, has_password=False, password_login=False
        )
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    if user.hostname:
        # Computers of Windows may have underscores in their names.
        values["uplink_hostname"] = user.hostname.replace("_", "-")
        lines["uplink_hostname"] = user.hostname_line
    if user.password_login:
        values["sshd_password_login"] = True
        lines["sshd_password_login"] = user.password_line
    if values:
        reading.layers[USER_DATA] = Layer(found.name, values, lines)


def _read_configuration(
    found: Found, reading: Reading, stored: Layers, options: dict[str, Any]
) -> None:
    old = stored[CONFIGURATION].values if CONFIGURATION in stored else {}
    try:
        parsed = parse(found.text, found.name, options)
    except BrokenError as error:
        reading.issues.append(_kept(error.issue, CONFIGURATION in stored))
        return
    reading.notes += [str(each) for each in parsed.notes]
    reading.issues += parsed.issues
    if not parsed.values and not parsed.broken:
        problem = "sets no variable" if found.text.strip() else "is empty"
        hint = "write its variables again, without # before them, or remove it"
        issue = Issue(problem, hint, Location(found.name))
        reading.issues.append(_kept(issue, CONFIGURATION in stored))
        return
    values, unknown = stored_secrets.fill(parsed.values, old)
    # A mistake in a variable keeps what it was.
    values.update({name: old[name] for name in parsed.broken if name in old})
    layer = Layer(found.name, values, parsed.lines)
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
    """Choose the radio's country, in case that no file sets it, or that its value is rejected."""
    variables = merged({name: each for name, each in reading.layers.items() if name != COUNTRY})
    if variables.get("uplink_type", "wifi") != "wifi":
        reading.layers.pop(COUNTRY, None)
        return
    known = reading.layers.get(COUNTRY)
    if known is None or known.values["uplink_country"] == _WORLD:
        source, country = next(
            (each for each in _countries(partition, reading.user) if each[1]), ("", _WORLD)
        )
        reading.layers[COUNTRY] = Layer(source, {"uplink_country": country})
    if variables.get("uplink_country"):
        return
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
