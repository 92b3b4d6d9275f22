"""YAML typed by a user: its values, the line of each, and its issues."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from pvs_bridge.boot_config.corrections import MAPPING, NULL, SEQUENCE, correct
from pvs_bridge.boot_config.layers import Path, written
from pvs_bridge.boot_config.text_file import QUOTE_HINT, QUOTES, is_typographic
from pvs_bridge.errors import Issue, IssueError, Location

_INDENT = re.compile(r"^[ \t\xa0]*[\t\xa0][ \t\xa0]*", re.MULTILINE)
# The whole value of a line, or of an item of a list, in any quotation marks.
_QUOTED = re.compile(
    rf"^(?P<head> *(?:- +)?(?:[\w.-]+ *: +)?)(?P<open>[{QUOTES}])(?P<text>.*?)(?P<close>[{QUOTES}])"
    r"(?P<tail>[ \t]*(?: #.*)?\r?)$",
    re.MULTILINE,
)
# A variable, or the key of a network, with = or without the space after the colon.
_SEPARATOR = re.compile(
    r"^(?P<head> *(?:- +)?(?:[A-Za-z]+_\w+|ssid|passphrase|password|psk|security|hidden|priority))"
    r"(?: *= *|:(?=[^\s]))",
    re.MULTILINE | re.IGNORECASE,
)
# A line at the left edge that is not a comment, the item of a list, or the end of a bracket.
_TOP = re.compile(r"^(?=[^\s#\-\]}])", re.MULTILINE)
_CUT = "found unexpected end of stream"
_NAME = re.compile(r"[\w-]+(?= *:)")


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
        broken: The names of the variables whose YAML is wrong, as far as they are known.
        notes: What was read in another way than YAML reads it.
    """

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    notes: list[Issue] = field(default_factory=list)


@dataclass
class Composed:
    """A mapping as nodes, which know their positions in the text.

    Attributes:
        text: The text whose positions they are: that of the file, with straight quotes.
        root: The mapping.
        issues: The parts that are not YAML.
        broken: See :class:`Parsed`.
        notes: See :class:`Parsed`.
    """

    text: str
    root: yaml.MappingNode
    issues: list[Issue] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    notes: list[Issue] = field(default_factory=list)


def parse(text: str, file: str = "", options: Mapping[str, Any] | None = None) -> Parsed:
    """Read a mapping.

    Args:
        text: The file's text.
        file: The file's name, for the locations of issues.
        options: The specification of all variables, to correct small mistakes; None if it is
            another file than a configuration.

    Raises:
        BrokenError: No part of it is a YAML mapping.
    """
    composed = compose(text, file, options)
    parsed = Parsed(issues=composed.issues, broken=composed.broken, notes=composed.notes)
    for key, value in composed.root.value:
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
            parsed.broken.append(name)
            continue
        if name in parsed.values:
            parsed.issues.append(
                Issue("is set a second time", "remove one; the last one is used", location)
            )
        parsed.values[name] = plain
        for path, _, at in _walk(value, (name,), line):
            parsed.lines[written(path)] = at
    return parsed


def compose(text: str, file: str = "", options: Mapping[str, Any] | None = None) -> Composed:
    """Read a mapping as nodes. A mistake costs the variable that has it, and no other one.

    Args:
        text: The file's text.
        file: The file's name, for the locations of issues.
        options: See :func:`parse`.

    Raises:
        BrokenError: No part of it is a YAML mapping.
    """
    text, notes = _readable(text, file)
    composed = Composed(text, yaml.MappingNode(MAPPING, []), notes=notes)
    try:
        composed.root.value = _pairs(text, file)
    except BrokenError:
        starts = sorted({0, *(found.start() for found in _TOP.finditer(text))})
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            # Spaces in place of what precedes it, so that it keeps its position.
            before = re.sub(r"[^\r\n]", " ", text[:start])
            try:
                composed.root.value += _pairs(f"{before}{text[start:end]}", file)
            except BrokenError as error:
                composed.issues.append(error.issue)
                name = _NAME.match(text, start)
                composed.broken += [name[0]] if name else []
        if not composed.root.value:
            raise
    if options is not None:
        composed.notes += correct(composed.root, options, file)
    return composed


def _readable(text: str, file: str) -> tuple[str, list[Issue]]:
    """Replace what YAML forbids and what only looks like YAML; return the notes about it."""
    notes: list[Issue] = []

    def replace(pattern: re.Pattern[str], problem: str, hint: str) -> None:
        nonlocal text
        lines: list[int] = []

        def change(match: re.Match[str]) -> str:
            changed = _CHANGES[pattern](match)
            if changed != match[0]:
                lines.append(text.count("\n", 0, match.start()) + 1)
            return changed

        text = pattern.sub(change, text)
        if lines:
            more = f", like line {', '.join(map(str, lines[1:4]))}" if lines[1:] else ""
            notes.append(Issue(f"{problem}{more}", hint, Location(file, lines[0])))

    replace(_INDENT, "begins with a tab, which was read as two spaces", "use spaces")
    replace(_SEPARATOR, "was read with a colon and a space", "write NAME: VALUE")
    replace(_QUOTED, "has typographic quotation marks, which were read as plain ones", QUOTE_HINT)
    return text, notes


def _spaces(match: re.Match[str]) -> str:
    return match[0].replace("\xa0", " ").expandtabs(2)


def _separated(match: re.Match[str]) -> str:
    return f"{match['head']}: "


def _straight(match: re.Match[str]) -> str:
    if not is_typographic(match["open"], match["close"]):
        return match[0]
    inner = match["text"].replace("'", "''")
    return f"{match['head']}'{inner}'{match['tail']}"


_CHANGES = {_INDENT: _spaces, _SEPARATOR: _separated, _QUOTED: _straight}


def _pairs(text: str, file: str) -> list[tuple[yaml.Node, yaml.Node]]:
    """Return the keys and values of a mapping; an empty list for an empty text.

    Raises:
        BrokenError: It is not a YAML mapping.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        # An open quotation mark or bracket is the mistake, not the end of the file.
        cut = error.context_mark if error.problem == _CUT else None
        mark = cut or error.problem_mark or error.context_mark
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
    if root is None or root.tag == NULL:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise BrokenError(
            "must be a variable",
            "write one variable per line, such as uplink_country: US",
            Location(file, root.start_mark.line + 1),
        )
    pairs: list[tuple[yaml.Node, yaml.Node]] = root.value
    return pairs


def _plain(node: yaml.Node) -> Any:  # noqa: ANN401 - YAML holds anything
    """Return the value of a node as a JSON type; the keys of a mapping as they were typed.

    Raises:
        YAMLError: It has a tag that is not part of YAML.
        ValueError: It has a type that JSON does not have, or a value that its type does not allow.
        RecursionError: It contains itself.
    """
    if isinstance(node, yaml.MappingNode) and node.tag == MAPPING:
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode) and node.tag == SEQUENCE:
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
