"""Files as people and Raspberry Pi Imager write them, each with what the bridge reads.

An entry of ``corpus/*.yml`` has these keys:

- ``title``: what is special about it
- ``files``: the text of each file; ``PSK64`` stands for a key, ``PUBKEY`` for a public key
- ``encoding``, ``ends``: those of the files; UTF-8 and line feeds by default
- ``hex``: the bytes of the file, in place of its text
- ``stored``: the variables that were read before, by layer
- ``values``: the variables that result
- ``user``: attributes of the user of Imager's form
- ``login``: the login of the other files
- ``issues``, ``notes``: the beginning of each message after the file's name, in any order
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pvs_bridge.boot_config import layers, login, read
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.layers import Layer

_CORPUS = Path(__file__).parent / "corpus"
_PSK = "0123456789abcdef" * 4
_PUBKEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxR0zYpNpVr0Tm6l5pZr0zYpNpVr0Tm6l5pZr0zYpNp"
_SMALLEST = 60


def _entries() -> list[Any]:
    entries = []
    for file in sorted(_CORPUS.glob("*.yml")):
        text = file.read_text().replace("PSK64", _PSK).replace("PUBKEY", _PUBKEY)
        entries += [
            pytest.param(entry, id=f"{file.stem}: {entry['title']}")
            for entry in yaml.safe_load(text)
        ]
    return entries


ENTRIES = _entries()


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_file_is_read_as_it_is_meant(
    partition: BootPartition, options: dict[str, Any], entry: dict[str, Any]
) -> None:
    for name, text in entry["files"].items():
        lines = text.replace("\n", entry.get("ends", "\n"))
        data = lines.encode(entry.get("encoding", "utf-8"))
        (partition.folder / name).write_bytes(bytes.fromhex(entry.get("hex", "")) or data)
    stored = {name: Layer(name, each, {}) for name, each in entry.get("stored", {}).items()}
    reading = read.read(partition, stored, options)
    wanted, issues, notes = login.read(partition)
    if "values" in entry:
        assert layers.merged(reading.layers) == entry["values"]
    for name, value in entry.get("user", {}).items():
        assert (name, getattr(reading.user, name)) == (name, value)
    if "login" in entry:
        assert {**wanted.to_json(), "form_user": ""} == {**entry["login"], "form_user": ""}
    # Only the radio's country may be left out: a card without it joins its network too.
    said = [each for each in reading.notes if not each.startswith("uplink_country is not set")]
    _same(entry.get("issues", []), [str(each) for each in (*reading.issues, *issues)])
    _same(entry.get("notes", []), [*said, *(str(each) for each in notes)])


def test_the_corpus_is_large_enough() -> None:
    assert len(ENTRIES) >= _SMALLEST


def _same(expected: list[str], said: list[str]) -> None:
    """Check that each message is expected, and each expected message is there."""
    left = list(said)
    for part in expected:
        found = [each for each in left if part in each]
        assert found, (part, left)
        left.remove(found[0])
        assert " Hint: " in found[0]
    assert left == []
