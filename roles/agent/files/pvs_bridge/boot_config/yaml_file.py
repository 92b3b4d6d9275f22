"""YAML typed by a user: its values, the line of each, and its issues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from pvs_bridge.boot_config.layers import Path, written
from pvs_bridge.errors import Issue, IssueError, Location

_TEXT, _MAPPING, _SEQUENCE = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
_NULL = "tag:yaml.org,2002:null"
_TAB = re.compile(r"^( *\t[ \t]*)", re.MULTILINE)


class _Loader(yaml.SafeLoader):
    """A safe loader that reads a date as text, because JSON has no dates."""


_Loader.yaml_implicit_resolvers = {
    letter: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class BrokenError(IssueError):
    """A text that is not a YAML mapping."""


@dataclass
class Parsed:
    """A mapping that was read.

    Attributes:
        values: The values by key.
        lines: The line of each value, counted from 1, by its :func:`written` path.
        issues: What had to be left out.
        tabs: Whether lines were indented by tabs, which YAML forbids.
        words: Each scalar that YAML does not read as text, as it was typed, by its path.
    """

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    tabs: bool = False
    words: dict[str, str] = field(default_factory=dict)


def parse(text: str, file: str = "") -> Parsed:
    """Read a mapping.

    Args:
        text: The file's text.
        file: The file's name, for the locations of issues.

    Raises:
        BrokenError: It is not YAML, or not a mapping.
    """
    without_tabs = untabbed(text)
    root = compose(without_tabs, file)
    parsed = Parsed(tabs=without_tabs != text)
    if root is None or root.tag == _NULL:
        return parsed
    if not isinstance(root, yaml.MappingNode):
        raise BrokenError(
            "must be a list of variables",
            "write one variable per line, such as uplink_country: US",
            Location(file, 1),
        )
    for key, value in root.value:
        name, line = str(key.value), key.start_mark.line + 1
        location = Location(file, line, name)
        try:
            plain = _plain(value)
        except (yaml.YAMLError, ValueError, RecursionError):
            parsed.issues.append(
                Issue(
                    "has a value that only Ansible understands, such as one encrypted by vault",
                    "write it in plain text; a secret is removed from the card once the Pi has "
                    "stored it",
                    location,
                )
            )
            continue
        if name in parsed.values:
            parsed.issues.append(
                Issue("is set a second time", "remove one; the last one is used", location)
            )
        parsed.values[name] = plain
        for path, node, at in _walk(value, (name,), line):
            parsed.lines[written(path)] = at
            if isinstance(node, yaml.ScalarNode) and node.tag != _TEXT:
                parsed.words[written(path)] = node.value
    return parsed


def untabbed(text: str) -> str:
    """Replace each tab at the beginning of a line by two spaces."""
    return _TAB.sub(lambda match: match[0].expandtabs(2), text)


def compose(text: str, file: str = "") -> yaml.Node | None:
    """Read a text as nodes, which know their positions.

    Args:
        text: The file's text.
        file: The file's name, for the location of the error.

    Raises:
        BrokenError: It is not YAML.
    """
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        column = f"column {mark.column + 1} " if mark else ""
        raise BrokenError(
            f"{column}is not valid YAML ({error.problem or error.context})",
            "compare this line and the one above it with pvs-bridge.example.yml: a variable "
            "begins at the left edge, a colon and a space follow its name, and a text with "
            "special characters is in quotes",
            Location(file, mark.line + 1 if mark else 0),
        ) from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise BrokenError(
            "has a control character", "type the line again", Location(file, line)
        ) from error


def _plain(node: yaml.Node) -> Any:  # noqa: ANN401 - YAML holds anything
    """Return the value of a node as a JSON type; the keys of a mapping as they were typed.

    Raises:
        YAMLError: It has a tag that is not part of YAML.
        ValueError: It has a type that JSON does not have, or a value that its type does not allow.
        RecursionError: It contains itself.
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
    raise ValueError(f"JSON has no {type(value).__name__}")


def _walk(node: yaml.Node, path: Path, line: int) -> Iterator[tuple[Path, yaml.Node, int]]:
    """Yield a value and all values within it, each with its path and line."""
    yield path, node, line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _walk(value, (*path, str(key.value)), key.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _walk(value, (*path, number), value.start_mark.line + 1)
