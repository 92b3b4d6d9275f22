"""YAML that a person has typed: its values, the line of each, and mistakes in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from pvs_bridge.boot_config.layers import Path, written

_TEXT, _MAPPING, _SEQUENCE = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
_NULL = "tag:yaml.org,2002:null"
_TAB = re.compile(r"^( *\t[ \t]*)", re.MULTILINE)


class _Loader(yaml.SafeLoader):
    """A safe loader to which what looks like a date is text, as JSON knows no dates."""


_Loader.yaml_implicit_resolvers = {
    letter: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class BrokenError(Exception):
    """A text that is no YAML; says where, why and what to do, without the file's name."""


@dataclass
class Parsed:
    """A mapping that was read.

    Attributes:
        values: by key.
        lines: where each value stands, counted from 1, by its path as one writes it.
        mistakes: what had to be left out, with its line, problem and hint.
        tabs: whether lines were indented by tabs, which YAML forbids.
        words: what YAML takes for something else than text, as it was typed, by its path.
    """

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    tabs: bool = False
    words: dict[str, str] = field(default_factory=dict)


def parse(text: str) -> Parsed:
    """Read a mapping.

    Raises:
        BrokenError: it is not YAML, or no mapping.
    """
    without_tabs = untabbed(text)
    root = compose(without_tabs)
    parsed = Parsed(tabs=without_tabs != text)
    if root is None or root.tag == _NULL:
        return parsed
    if not isinstance(root, yaml.MappingNode):
        raise BrokenError(
            "line 1: is not a list of variables. Hint: write one variable a line, such as "
            "uplink_country: US"
        )
    for key, value in root.value:
        name, line = str(key.value), key.start_mark.line + 1
        try:
            plain = _plain(value)
        except (yaml.YAMLError, ValueError, RecursionError):
            parsed.mistakes.append(
                f"line {line}: {name}: has a value that only Ansible understands, such as one "
                "encrypted by vault. Hint: write it in clear; a secret is taken from the card once "
                "the Pi has stored it"
            )
            continue
        if name in parsed.values:
            parsed.mistakes.append(
                f"line {line}: {name}: stands here for the second time. Hint: remove one; this one "
                "counts"
            )
        parsed.values[name] = plain
        for path, node, at in _walk(value, (name,), line):
            parsed.lines[written(path)] = at
            if isinstance(node, yaml.ScalarNode) and node.tag != _TEXT:
                parsed.words[written(path)] = node.value
    return parsed


def untabbed(text: str) -> str:
    """Put two spaces in the place of each tab that a line begins with."""
    return _TAB.sub(lambda match: match[0].expandtabs(2), text)


def compose(text: str) -> yaml.Node | None:
    """Read a text as nodes, which know where they stand.

    Raises:
        BrokenError: it is not YAML.
    """
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BrokenError(
            f"{where}is not written as YAML wants it ({error.problem or error.context}). Hint: "
            "compare this line and the one above it with pvs-bridge.example.yml: each variable "
            "begins at the left edge, a colon and a space follow its name, and a text with "
            "special characters stands in quotes"
        ) from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise BrokenError(
            f"line {line}: has a character that no text has. Hint: type the line anew"
        ) from error


def _plain(node: yaml.Node) -> Any:  # noqa: ANN401 - YAML holds anything
    """Return the value of a node as JSON could hold it; the keys of a mapping as they were typed.

    Raises:
        YAMLError: it has a tag that YAML itself has not.
        ValueError: it has one that JSON has nothing for, or does not fit it.
        RecursionError: it is within itself.
    """
    if isinstance(node, yaml.MappingNode) and node.tag == _MAPPING:
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode) and node.tag == _SEQUENCE:
        return [_plain(value) for value in node.value]
    loader = _Loader("")
    try:
        value = loader.construct_document(node)
    finally:
        loader.dispose()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"nothing is like a {type(value).__name__}")


def _walk(node: yaml.Node, path: Path, line: int) -> Iterator[tuple[Path, yaml.Node, int]]:
    """Yield a value and all within it, each with its path and line."""
    yield path, node, line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _walk(value, (*path, str(key.value)), key.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _walk(value, (*path, number), value.start_mark.line + 1)
