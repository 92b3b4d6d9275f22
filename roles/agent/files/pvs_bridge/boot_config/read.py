"""Everything that the card says, file by file, and what is wrong with its text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pvs_bridge.boot_config import imager, specs, stored_secrets, wpa_supplicant
from pvs_bridge.boot_config.boot_partition import BootPartition, Found, UnreadableError
from pvs_bridge.boot_config.layers import (
    COUNTRY,
    DESCRIPTION,
    NETWORK_CONFIG,
    USER_DATA,
    WPA_SUPPLICANT,
    Layer,
    Layers,
    merged,
)
from pvs_bridge.boot_config.yaml_file import BrokenError, parse

DESCRIPTION_FILE = "pvs-bridge.yml"
_WORLD = "00"
"""What every radio may do everywhere."""


@dataclass
class Reading:
    """What was read.

    Attributes:
        layers: what each file says, secrets included; a file that is not there, or that cannot
            be read, says what it said before.
        mistakes: what was left out: file, line, problem and hint.
        notes: what a person should know beside.
        user: who was named in Imager's form.
    """

    layers: dict[str, Layer]
    mistakes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    user: imager.User = field(default_factory=imager.User)


def read(partition: BootPartition, stored: Layers, options: dict[str, Any]) -> Reading:
    """Read the card.

    Args:
        partition: the FAT partition.
        stored: what the files said before.
        options: the variables that there are.
    """
    reading = Reading(dict(stored))
    found = _found(partition, imager.USER, reading)
    if found:
        try:
            reading.user = imager.read_user(found)
        except BrokenError as error:
            reading.mistakes.append(f"{found.name} {error}")
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
            reading.mistakes.append(f"{found.name} {error}")
    found = _found(partition, wpa_supplicant.NAME, reading)
    if found:
        layer, mistakes = wpa_supplicant.read(found)
        reading.layers[WPA_SUPPLICANT] = layer
        reading.mistakes += [f"{found.name} {mistake}" for mistake in mistakes]
    found = _found(partition, DESCRIPTION_FILE, reading)
    if found:
        _read_description(found, reading, stored, options)
    _choose_country(partition, reading)
    return reading


def _found(partition: BootPartition, name: str, reading: Reading) -> Found | None:
    try:
        return partition.read(name)
    except UnreadableError as error:
        reading.mistakes.append(str(error))
        return None


def _read_description(
    found: Found, reading: Reading, stored: Layers, options: dict[str, Any]
) -> None:
    try:
        parsed = parse(found.text)
    except BrokenError as error:
        before = "what it said before still counts" if DESCRIPTION in stored else "it says nothing"
        reading.mistakes.append(f"{found.name} {error}; until then {before}")
        return
    if parsed.tabs:
        reading.notes.append(f"{found.name}: tabs were taken for two spaces, as YAML has none")
    old = stored[DESCRIPTION].values if DESCRIPTION in stored else {}
    values, unknown = stored_secrets.fill(specs.as_texts(parsed.values, options, parsed.words), old)
    layer = Layer(found.name, values, parsed.lines)
    reading.mistakes += [f"{found.name} {mistake}" for mistake in parsed.mistakes]
    # From the end, so that what stands before keeps its place.
    for path in reversed(unknown):
        reading.mistakes.append(f"{layer.place(path)}: {stored_secrets.unknown_secret(path)}")
        layer = layer.without(path)
    for name in [each for each in values if each not in options]:
        hint = specs.suggestion(name, options)
        reading.mistakes.append(f"{layer.place((name,))}: {name}: is no variable. Hint: {hint}")
        layer = layer.without((name,))
    reading.layers[DESCRIPTION] = layer


def _choose_country(partition: BootPartition, reading: Reading) -> None:
    """Find a country for the radio where no file names one, by what else the card tells."""
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
    taken = (
        f"{country} was taken from {known.file}"
        if known.file
        else "the channels that are allowed everywhere are used, which may leave yours out"
    )
    reading.notes.append(
        f"uplink_country: no file names the country that the bridge is in; {taken}. Hint: write "
        f"uplink_country, such as US, into {DESCRIPTION_FILE}"
    )


def _countries(partition: BootPartition, user: imager.User) -> Iterable[tuple[str, str]]:
    for source in (partition.folder / "cmdline.txt", Path("/proc/cmdline")):
        try:
            text = source.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        yield "cmdline.txt", imager.country_of_kernel(text)
    yield f"the time zone in {imager.USER}", imager.country_of_timezone(user.timezone)
