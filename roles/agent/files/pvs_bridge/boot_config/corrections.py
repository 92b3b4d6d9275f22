"""Corrections of a configuration whose meaning is certain.

They change the nodes of the YAML text, which keep their positions, so that every later step sees
the corrected values and the lines that a person has typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from pvs_bridge.boot_config import country
from pvs_bridge.boot_config.layers import Path, written
from pvs_bridge.errors import Issue, Location

TEXT, MAPPING, SEQUENCE, NULL = (
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq", "null")
)
_TAGS = {kind: f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float")}
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "y", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "n", "0"), "false"),
}
_NUMBERS = {"int": re.compile(r"-?(0|[1-9]\d*)"), "float": re.compile(r"-?\d+(\.\d+)?")}
_KEY = re.compile(r"[0-9A-Fa-f]{64}")
# Other words for the keys of a network.
_SYNONYMS = {"password": "passphrase", "name": "ssid"}

Options = Mapping[str, Any]


@dataclass
class _Corrector:
    """Corrects the nodes of a file.

    Attributes:
        file: The file's name.
        notes: What was corrected.
    """

    file: str
    notes: list[Issue] = field(default_factory=list)

    def note(self, problem: str, hint: str, path: Path, node: yaml.Node) -> None:
        """Add a note."""
        place = Location(self.file, node.start_mark.line + 1, written(path))
        self.notes.append(Issue(problem, hint, place))

    def rename(self, key: yaml.Node, names: Options, path: Path) -> None:
        """Correct the spelling of a key."""
        name = str(key.value)
        plain = name.strip().lower().replace("-", "_").replace(" ", "_")
        better = next((each for each in (plain, _SYNONYMS.get(plain)) if each in names), None)
        if name not in names and better:
            key.value = better
            self.note(f"was read as {better}", f"write {better}", (*path, name), key)

    def value(self, node: yaml.Node, option: Options, path: Path) -> yaml.Node:
        """Return a value in the type of its option, as far as its meaning is certain."""
        kind = option.get("type", "str")
        inner = option.get("options") or {}
        if kind == "list":
            item = {"type": option.get("elements", "raw"), "options": inner}
            node = self._as_list(node, item["type"], path)
            if isinstance(node, yaml.SequenceNode):
                items = enumerate(node.value)
                node.value = [self.value(each, item, (*path, at)) for at, each in items]
        elif isinstance(node, yaml.MappingNode):
            for key, _ in node.value if inner else ():
                self.rename(key, inner, path)
            self._as_psk(node, inner, path)
            node.value = [
                (key, self.value(each, inner.get(str(key.value)) or _ANY, (*path, str(key.value))))
                for key, each in node.value
            ]
        elif isinstance(node, yaml.ScalarNode) and node.tag != NULL:
            self._as_scalar(node, option, path)
        return node

    def _as_list(self, node: yaml.Node, item: str, path: Path) -> yaml.Node:
        """Return a list with a value that should be in one."""
        items = [node]
        if isinstance(node, yaml.ScalarNode) and node.tag == TEXT and item == "str":
            words = re.split(r"[,\s]+", node.value.strip())
            items = [yaml.ScalarNode(TEXT, each, node.start_mark, node.end_mark) for each in words]
        elif not (isinstance(node, yaml.MappingNode) and item == "dict"):
            return node
        self.note("was read as a list", "begin each of its items with a hyphen", path, node)
        return yaml.SequenceNode(SEQUENCE, items, node.start_mark, node.end_mark)

    def _as_psk(self, node: yaml.MappingNode, inner: Options, path: Path) -> None:
        """Read 64 hexadecimal digits, which are too long for a passphrase, as a key."""
        for key, value in node.value:
            digits = isinstance(value, yaml.ScalarNode) and _KEY.fullmatch(value.value)
            if key.value == "passphrase" and digits and "psk" in inner:
                key.value = "psk"
                problem = "has 64 hexadecimal digits, and was read as psk"
                self.note(problem, "write psk instead of passphrase", (*path, "passphrase"), key)

    def _as_scalar(self, node: yaml.ScalarNode, option: Options, path: Path) -> None:
        kind = option.get("type", "str")
        if kind == "str":
            if node.tag in _TAGS.values():
                # A passphrase of digits, or the country NO.
                node.tag = TEXT
            meant = country.code(node.value) if path == ("uplink_country",) else node.value
            choices = {str(each).lower(): str(each) for each in option.get("choices") or ()}
            meant = choices.get(meant.strip().lower(), meant)
            if meant != node.value:
                self.note(f"{node.value!r} was read as {meant}", f"write {meant}", path, node)
                node.value = meant
        if kind not in _TAGS or node.tag == _TAGS[kind]:
            return
        typed = node.value.strip()
        plain = _BOOLEANS.get(typed.lower()) if kind == "bool" else None
        if kind in _NUMBERS and node.tag == TEXT and _NUMBERS[kind].fullmatch(typed):
            plain = typed
        if plain is not None:
            node.tag, node.value = _TAGS[kind], plain
            self.note(f"was read as {plain}", f"write {plain}, without quotes", path, node)


_ANY = {"type": "raw"}


def correct(root: yaml.MappingNode, options: Options, file: str = "") -> list[Issue]:
    """Correct a file's variables.

    Args:
        root: The file, which is changed.
        options: The specification of all variables.
        file: The file's name, for the locations of the notes.

    Returns:
        a note for each correction.
    """
    corrector = _Corrector(file)
    for key, _ in root.value:
        corrector.rename(key, options, ())
    root.value = [
        (key, corrector.value(value, options.get(str(key.value)) or _ANY, (str(key.value),)))
        for key, value in root.value
    ]
    return corrector.notes
