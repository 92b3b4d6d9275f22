"""Find values that YAML reads differently from what was meant, and incomplete vault values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml

from bridgectl.errors import Issue, Location

_TEXT_TAG = "tag:yaml.org,2002:str"
_VAULT_TAGS = ("!vault", "!vault-encrypted")
_VAULT = "$ANSIBLE_VAULT;"
_VAULT_HEADER = re.compile(r"\$ANSIBLE_VAULT;1\.[12];AES256(;\S+)?", re.ASCII)
# The salt and the checksum have 32 bytes each, written in hexadecimal.
_VAULT_BODY = re.compile(rb"[0-9a-f]{64}\n[0-9a-f]{64}\n(?P<text>[0-9a-f]+)")
# AES encrypts blocks of 16 bytes; ansible-vault fills the last one.
_BLOCK_DIGITS = 32
# A comment for people begins with a space.
_CUT = re.compile(r"\s*#\S")
# A value that begins with braces, but not with a quote.
_BRACES = re.compile(r"""(?:^|[:-])\s+\{\{""")
_QUOTE_HINT = "put the whole value in quotes"


def misread_values(tree: yaml.Node | None, text: str, file: str) -> Iterator[Issue]:
    """Find misread values.

    Args:
        tree: the file, as composed by YAML.
        text: its text.
        file: its path, for the location.
    """
    yield from _misread(tree, "", text.splitlines(), file)


def has_bare_braces(line: str) -> bool:
    """Return whether a line has a template that is not in quotes."""
    return bool(_BRACES.search(line))


def incomplete_vault(text: str) -> bool:
    """Return whether an encrypted text was cut off.

    Source of the form: ansible-vault, format 1.1. Of a text that was cut at the end of a line, one
    in eight looks complete.
    """
    header, *body = text.split()
    try:
        content = bytes.fromhex("".join(body))
    except ValueError:
        return True
    match = _VAULT_BODY.fullmatch(content)
    complete = match is not None and len(match["text"]) % _BLOCK_DIGITS == 0
    return not (_VAULT_HEADER.fullmatch(header) and complete)


def configured_hosts(tree: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Return the hosts that have variables in an inventory file, each with its line."""
    for _, group in _items(tree):
        yield from _hosts_of(group)


def _hosts_of(group: yaml.Node) -> Iterator[tuple[str, int]]:
    for key, value in _items(group):
        if key.value == "hosts":
            for host, variables in _items(value):
                if isinstance(variables, yaml.MappingNode):
                    yield host.value, host.start_mark.line + 1
        elif key.value == "children":
            for _, child in _items(value):
                yield from _hosts_of(child)


def _items(node: yaml.Node | None) -> Sequence[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else ()


def _misread(node: yaml.Node | None, name: str, lines: Sequence[str], file: str) -> Iterator[Issue]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _misread(item, f"{name}[{index}]", lines, file)
    elif isinstance(node, yaml.MappingNode):
        if _is_template(node):
            problem = "is a template without quotes, which YAML reads as a mapping"
            yield _issue(node, name, problem, _QUOTE_HINT, file)
            return
        for key, value in node.value:
            part = str(key.value)
            yield from _misread(value, f"{name}.{part}" if name else part, lines, file)
    elif isinstance(node, yaml.ScalarNode):
        yield from _misread_scalar(node, name, lines, file)


def _misread_scalar(
    node: yaml.ScalarNode, name: str, lines: Sequence[str], file: str
) -> Iterator[Issue]:
    if node.tag in _VAULT_TAGS:
        if incomplete_vault(node.value):
            problem = "is encrypted, but not complete"
            hint = "copy all lines that ansible-vault encrypt_string printed"
            yield _issue(node, name, problem, hint, file)
    elif node.value.lstrip().startswith(_VAULT):
        problem = "is encrypted, but has no !vault, so its text would be the value"
        yield _issue(node, name, problem, "write !vault | before the text", file)
    elif not node.style and node.tag == _TEXT_TAG:
        end = node.end_mark
        rest = lines[end.line][end.column :] if end.line < len(lines) else ""
        if _CUT.match(rest):
            problem = "ends before the #, because YAML reads a comment there"
            hint = f"{_QUOTE_HINT}, or write a space after the # of a comment"
            yield _issue(node, name, problem, hint, file)


def _is_template(node: yaml.MappingNode) -> bool:
    """Return whether a mapping is ``{{ name }}``, whose only key is a mapping itself."""
    return bool(node.flow_style) and any(isinstance(key, yaml.MappingNode) for key, _ in node.value)


def _issue(node: yaml.Node, name: str, problem: str, hint: str, file: str) -> Issue:
    variable = _without_groups(name)
    location = Location((variable,) if variable else (), file, node.start_mark.line + 1)
    return Issue(problem, hint, location)


def _without_groups(name: str) -> str:
    """Return the name of a host's variable without the groups and the host."""
    for within in (".hosts.", ".vars."):
        _, found, rest = name.rpartition(within)
        if found:
            return rest.partition(".")[2] if within == ".hosts." else rest
    return name
