"""Check the inventory's files for errors that Ansible ignores or reports without a line.

Ansible uses the last of two equal keys, ignores unknown keys of a group with a warning, and reports
a broken file only as a whole.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import did_you_mean
from bridgectl.errors import Issue, Location
from bridgectl.inventory.misread import (
    configured_hosts,
    has_bare_braces,
    incomplete_vault,
    misread_values,
)
from bridgectl.inventory.short_path import short

VARIABLE_FOLDERS = ("group_vars", "host_vars")
_YAML = (".yml", ".yaml", ".json")
# Files of variables may have no suffix.
_VARIABLE_ENDINGS = ("", *_YAML)
# A backup copy of a file: Ansible ignores it, or reads it as something else.
_BACKUP = re.compile(r"\.(ya?ml|json)([.~_-].*|~)$|^#.*#$", re.IGNORECASE)
_GROUP_KEYS = ("hosts", "vars", "children")
# The loader that Ansible uses.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VAULT = b"$ANSIBLE_VAULT;"


@dataclasses.dataclass(frozen=True)
class Sources:
    """The files of an inventory.

    Attributes:
        inventories: files of hosts and groups, in YAML.
        variables: files of group_vars and host_vars, each with the name of the group or host.
        backups: backup copies, which Ansible ignores.
    """

    inventories: tuple[Path, ...]
    variables: tuple[tuple[Path, str], ...]
    backups: tuple[Path, ...]


def find_sources(inventory: Path) -> Sources:
    """Find the files of an inventory.

    Args:
        inventory: a file or a folder that exists.
    """
    folder = inventory if inventory.is_dir() else inventory.parent
    own = sorted(inventory.rglob("*")) if inventory.is_dir() else [inventory]
    # group_vars and host_vars beside a single file belong to it.
    beside = [each for name in VARIABLE_FOLDERS for each in sorted((folder / name).rglob("*"))]
    files = [each for each in dict.fromkeys([*own, *beside]) if _is_visible_file(each, folder)]
    backups = [each for each in files if _BACKUP.search(each.name)]
    variables, inventories = [], []
    for file in files:
        if file in backups:
            continue
        parts = file.relative_to(folder).parts
        kinds = [index for index, part in enumerate(parts) if part in VARIABLE_FOLDERS]
        if kinds and file.suffix in _VARIABLE_ENDINGS:
            below = parts[kinds[0] + 1 :]
            variables.append((file, Path(below[0]).stem if len(below) == 1 else below[0]))
        elif not kinds and file.suffix in _YAML:
            inventories.append(file)
    return Sources(tuple(inventories), tuple(variables), tuple(backups))


def is_encrypted(file: Path) -> bool:
    """Return whether a whole file is encrypted by Ansible vault."""
    with file.open("rb") as stream:
        return stream.read(len(_VAULT)) == _VAULT


def check_files(sources: Sources) -> tuple[list[Issue], bool]:
    """Check each file by itself.

    Args:
        sources: the files.

    Returns:
        the issues; and whether Ansible can read the files.
    """
    issues = [_backup(file) for file in sources.backups]
    readable = True
    first: dict[str, Path] = {}
    for file in (*sources.inventories, *(file for file, _ in sources.variables)):
        if is_encrypted(file):
            if incomplete_vault(file.read_text(encoding="utf-8", errors="replace")):
                hint = "restore it from a backup"
                issues.append(Issue("is encrypted, but not complete", hint, _at(file)))
                readable = False
            continue
        text = ""
        try:
            text = file.read_text(encoding="utf-8")
            tree = yaml.compose(text, Loader=_LOADER)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            issues.append(_invalid_yaml(file, error, text))
            readable = False
            continue
        if (tree is None or _is_null(tree)) and file in sources.inventories:
            hint = "configure a bridge in it, or remove it"
            issues.append(Issue("is empty, so it is not an inventory", hint, _at(file)))
            readable = False
        issues += _duplicate_keys(tree, file, "")
        misread = list(misread_values(tree, text, short(file)))
        issues += misread
        readable = readable and not misread
        if file in sources.inventories and isinstance(tree, yaml.MappingNode):
            issues += _other_files(tree, file, first)
            shapes = list(_wrong_shapes(tree, file))
            issues += shapes
            readable = readable and not shapes
    return issues, readable


def _other_files(tree: yaml.Node, file: Path, first: dict[str, Path]) -> Iterator[Issue]:
    """Find hosts that have variables in another file too; such a file is often a copy."""
    for host, line in configured_hosts(tree):
        other = first.setdefault(host, file)
        if other != file:
            problem = f"has variables in {short(other)} too, and Ansible mixes both"
            hint = "give this bridge another name, or remove it from one of the files"
            yield Issue(problem, hint, _at(file, line, host))


def unused_variables(
    sources: Sources, groups: Iterable[str], hosts: Iterable[str], fallback: str
) -> Iterator[Issue]:
    """Find files of variables whose group or host does not exist.

    Args:
        sources: the files.
        groups: the names of all groups.
        hosts: the names of all hosts.
        fallback: the group to suggest if none has a similar name.
    """
    groups, hosts = set(groups), set(hosts)
    for file, name in sources.variables:
        is_group = VARIABLE_FOLDERS[0] in file.parts
        known = groups if is_group else hosts
        if name not in known:
            kind = "group" if is_group else "host"
            problem = f"is not used, because the inventory has no {kind} {name}"
            yield Issue(problem, did_you_mean(name, known or {fallback}), _at(file))


def _is_visible_file(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and not hidden


def _at(file: Path, line: int | None = None, variable: str | None = None) -> Location:
    return Location((variable,) if variable else (), short(file), line)


def _backup(file: Path) -> Issue:
    hint = "remove it, or give it a name that ends with .yml"
    return Issue("looks like a backup copy, which Ansible ignores", hint, _at(file))


def _invalid_yaml(file: Path, error: Exception, text: str) -> Issue:
    line = None
    hint = "correct the indentation, quotes or colons in this line or the line before"
    what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    if isinstance(error, OSError):
        what = error.strerror or "it cannot be opened"
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else None
        # The line itself is not shown, because it may contain a secret.
        what = error.problem or error.context or "it cannot be parsed"
        if line is not None and has_bare_braces("".join(text.splitlines()[line - 1 : line])):
            hint = "put the whole value with {{ }} in quotes"
    elif isinstance(error, yaml.YAMLError):
        what = "it contains a character that YAML does not allow"
    return Issue(
        f"is not valid YAML: {what}",
        hint,
        _at(file, line),
    )


def _duplicate_keys(node: yaml.Node | None, file: Path, within: str) -> Iterator[Issue]:
    """Find keys that occur twice in a mapping, of which YAML uses the last one."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicate_keys(item, file, f"{within}[{index}]")
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        name = f"{within}.{key.value}" if within else key.value
        line = key.start_mark.line + 1
        if key.value in first and key.value != "<<":
            problem = f"is set twice, so its value in line {first[key.value]} is ignored"
            location = _at(file, line, _without_groups(name))
            yield Issue(problem, "remove one of them", location)
        first.setdefault(key.value, line)
        yield from _duplicate_keys(value, file, name)


def _without_groups(name: str) -> str:
    """Return the name of a host's variable without the groups and the host."""
    _, found, rest = name.rpartition(".hosts.")
    _, has_variable, variable = rest.partition(".")
    return variable if found and has_variable else name


def _wrong_shapes(tree: yaml.MappingNode, file: Path) -> Iterator[Issue]:
    """Find groups and hosts that are not in the form of an Ansible inventory."""
    if any(key.value == "plugin" for key, _ in tree.value):
        return  # the options of an inventory plugin
    for key, group in tree.value:
        yield from _wrong_group(key.value, group, file)


def _wrong_group(name: str, group: yaml.Node, file: Path) -> Iterator[Issue]:
    if _is_null(group):
        return
    if not isinstance(group, yaml.MappingNode):
        yield _shape(name, "must be a group, with hosts, vars or children", group, file)
        return
    for key, value in group.value:
        path = f"{name}.{key.value}"
        if key.value not in _GROUP_KEYS:
            problem = f"must be one of: {', '.join(_GROUP_KEYS)}; Ansible ignores other keys"
            yield _shape(path, problem, key, file, did_you_mean(key.value, _GROUP_KEYS))
        elif _is_null(value):
            continue
        elif not isinstance(value, yaml.MappingNode):
            yield _shape(path, "must be a mapping", value, file, "write lines of name: in it")
        elif key.value == "children":
            for child, content in value.value:
                yield from _wrong_group(child.value, content, file)
        elif key.value == "hosts":
            yield from _wrong_hosts(path, value, file)


def _wrong_hosts(path: str, hosts: yaml.MappingNode, file: Path) -> Iterator[Issue]:
    for host, content in hosts.value:
        if not isinstance(content, yaml.MappingNode) and not _is_null(content):
            yield _shape(
                f"{path}.{host.value}",
                "is read as a host, but its value is not a mapping of variables",
                content,
                file,
                "if it is a variable, indent it below its host",
            )


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null")


def _shape(
    variable: str, problem: str, node: yaml.Node, file: Path, hint: str = "see inventory/example"
) -> Issue:
    return Issue(problem, hint, _at(file, node.start_mark.line + 1, variable))
