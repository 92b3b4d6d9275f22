"""Check the form of groups and hosts before Ansible reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import did_you_mean
from bridgectl.errors import Issue, Location
from bridgectl.inventory.short_path import short

_GROUP_KEYS = ("hosts", "vars", "children")
# Ansible makes file names of them, such as those of host_vars; so does the folder of the results.
_NAME = re.compile(r"\w[\w.:@-]{0,252}")
_RANGE = re.compile(r"\[(?P<first>\w{1,9}):(?P<last>\w{1,9})(:\d{1,9})?\]", re.ASCII)
_MOST_HOSTS = 1_000
_LETTERS = 52
_TEXT = "tag:yaml.org,2002:str"


def wrong_shapes(tree: yaml.Node, file: Path, data_only: bool) -> Iterator[Issue]:
    """Find groups and hosts that are not in the form of an Ansible inventory.

    Args:
        tree: the content of a file of hosts and groups.
        file: its path.
        data_only: whether the options of an inventory plugin are wrong too.
    """
    if not isinstance(tree, yaml.MappingNode):
        if not is_null(tree):
            problem = "must be a mapping of groups"
            location = Location(file=short(file), line=tree.start_mark.line + 1)
            yield Issue(problem, "see inventory/example", location)
        return
    plugin = next((key for key, _ in tree.value if key.value == "plugin"), None)
    if plugin is None:
        yield from _wrong_groups(tree, file)
    elif data_only:
        problem = "configures an inventory plugin, which is a program and is not run"
        hint = "move it out of the inventory, and write its hosts in YAML"
        yield _shape("plugin", problem, plugin, file, hint)


def wrong_variables(tree: yaml.Node, file: Path) -> Iterator[Issue]:
    """Find what is not in the form of variables.

    Args:
        tree: the content of a file of variables, or the variables of a host or group.
        file: its path.
    """
    if is_null(tree):
        return
    if not isinstance(tree, yaml.MappingNode):
        yield _shape("", "must be a mapping of variables", tree, file)
        return
    for key, value in tree.value:
        if key.value == "<<":
            for each in _merged(value):
                yield from wrong_variables(each, file)
        elif key.tag != _TEXT:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            problem = "must be the name of a variable"
            yield _shape(name, problem, key, file, "begin it with a letter")


def _wrong_groups(groups: yaml.MappingNode, file: Path) -> Iterator[Issue]:
    for key, group in groups.value:
        if key.value == "<<":
            for each in _merged(group):
                yield from _wrong_groups(each, file)
        elif issue := _wrong_name("group", key, file):
            yield issue
        else:
            yield from _wrong_group(key.value, group, file)


def _merged(node: yaml.Node) -> list[yaml.MappingNode]:
    """Return the mappings that a key ``<<`` merges."""
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [each for each in nodes if isinstance(each, yaml.MappingNode)]


def is_name(text: str) -> bool:
    """Return whether a text may be the name of a host or a group, and so of a file."""
    return _NAME.fullmatch(text) is not None


def _wrong_name(kind: str, key: yaml.Node, file: Path) -> Issue | None:
    """Check a name, in which a host may have ranges such as ``[1:20]``."""
    text = key.value if isinstance(key, yaml.ScalarNode) else ""
    number = 1
    for match in _RANGE.finditer(text) if kind == "host" else ():
        first, last = match["first"], match["last"]
        is_number = first.isdigit() and last.isdigit()
        number *= int(last) - int(first) + 1 if is_number else _LETTERS
    if number > _MOST_HOSTS:
        problem = f"must not stand for more than {_MOST_HOSTS} hosts"
        return _shape(text, problem, key, file, "use a smaller range")
    if is_name(_RANGE.sub("", text) if kind == "host" else text):
        return None
    problem = "must be a name of letters, digits, and the characters _ . : @ -"
    return _shape(text, problem, key, file, f"rename the {kind}")


def _wrong_group(name: str, group: yaml.Node, file: Path) -> Iterator[Issue]:
    if is_null(group):
        return
    if not isinstance(group, yaml.MappingNode):
        yield _shape(name, "must be a group, with hosts, vars or children", group, file)
        return
    for key, value in group.value:
        if key.value == "<<":
            for each in _merged(value):
                yield from _wrong_group(name, each, file)
        else:
            yield from _wrong_part(f"{name}.{key.value}", key, value, file)


def _wrong_part(path: str, key: yaml.Node, value: yaml.Node, file: Path) -> Iterator[Issue]:
    """Check the hosts, variables or children of a group."""
    if key.value not in _GROUP_KEYS:
        problem = f"must be one of: {', '.join(_GROUP_KEYS)}; Ansible ignores other keys"
        yield _shape(path, problem, key, file, did_you_mean(str(key.value), _GROUP_KEYS))
    elif is_null(value):
        return
    elif not isinstance(value, yaml.MappingNode):
        yield _shape(path, "must be a mapping", value, file, "write lines of name: in it")
    elif key.value == "children":
        yield from _wrong_groups(value, file)
    elif key.value == "hosts":
        yield from _wrong_hosts(path, value, file)
    else:
        yield from wrong_variables(value, file)


def _wrong_hosts(path: str, hosts: yaml.MappingNode, file: Path) -> Iterator[Issue]:
    for host, content in hosts.value:
        if host.value == "<<":
            for each in _merged(content):
                yield from _wrong_hosts(path, each, file)
        elif not isinstance(content, yaml.MappingNode) and not is_null(content):
            yield _shape(
                f"{path}.{host.value}",
                "is read as a host, but its value is not a mapping of variables",
                content,
                file,
                "if it is a variable, indent it below its host",
            )
        elif issue := _wrong_name("host", host, file):
            yield issue
        else:
            yield from wrong_variables(content, file)


def is_null(node: yaml.Node) -> bool:
    """Return whether a value is null, in the ways that people write."""
    return isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null")


def _shape(
    variable: str, problem: str, node: yaml.Node, file: Path, hint: str = "see inventory/example"
) -> Issue:
    return Issue(
        problem,
        hint,
        Location((variable,) if variable else (), short(file), node.start_mark.line + 1),
    )
