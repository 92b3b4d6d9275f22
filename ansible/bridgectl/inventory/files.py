"""Check the inventory's files for errors that Ansible ignores or reports without a line.

Ansible uses the last of two equal keys, ignores unknown keys of a group with a warning, and reports
a broken file only as a whole.
"""

from __future__ import annotations

import dataclasses
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from ansible.inventory.manager import IGNORED

import bridgectl.ansible_loader  # noqa: F401 - before any part of Ansible
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import did_you_mean
from bridgectl.errors import CannotWorkError, Issue, Location
from bridgectl.inventory.misread import (
    configured_hosts,
    has_bare_braces,
    incomplete_vault,
    misread_values,
)
from bridgectl.inventory.shapes import is_null, wrong_shapes, wrong_variables
from bridgectl.inventory.short_path import short
from bridgectl.inventory.yaml_size import LOADER, MOST_BYTES, TooLargeError, check_size

VARIABLE_FOLDERS = ("group_vars", "host_vars")
_YAML = (".yml", ".yaml", ".json")
# Ansible checks INI files itself.
_DATA = (*_YAML, ".ini")
# Files of variables may have no suffix.
_VARIABLE_ENDINGS = ("", *_YAML)
# A backup copy of a file: Ansible ignores it, or reads it as something else.
_BACKUP = re.compile(r"\.(ya?ml|json)([.~_-].*|~)$|^#.*#$", re.IGNORECASE)
_VAULT = b"$ANSIBLE_VAULT;"
_MOST_FILES = 10_000


@dataclasses.dataclass(frozen=True)
class Sources:
    """The files of an inventory.

    Attributes:
        inventories: files of hosts and groups, in YAML.
        variables: files of group_vars and host_vars, each with the name of the group or host.
        backups: backup copies, which Ansible ignores.
        foreign: why other paths do not belong into an inventory that is only data.
    """

    inventories: tuple[Path, ...]
    variables: tuple[tuple[Path, str], ...]
    backups: tuple[Path, ...]
    foreign: tuple[Issue, ...]


def find_sources(inventory: Path) -> Sources:
    """Find the files of an inventory.

    Args:
        inventory: a file or a folder that exists.
    """
    folder = inventory if inventory.is_dir() else inventory.parent
    own = sorted(inventory.rglob("*")) if inventory.is_dir() else [inventory]
    # group_vars and host_vars beside a single file belong to it.
    beside = [each for name in VARIABLE_FOLDERS for each in sorted((folder / name).rglob("*"))]
    paths = [each for each in dict.fromkeys([*own, *beside]) if _is_visible(each, folder)]
    if len(paths) > _MOST_FILES:
        raise CannotWorkError(
            f"INVENTORY={inventory} has more than {_MOST_FILES} files", "name another folder"
        )
    files = [each for each in paths if each.is_file()]
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
    foreign = [issue for each in paths if (issue := _foreign(each, folder))]
    return Sources(tuple(inventories), tuple(variables), tuple(backups), tuple(foreign))


def _foreign(path: Path, folder: Path) -> Issue | None:
    """Return why a path does not belong into an inventory that is only data."""
    hint = "replace it by the file itself"
    if path.is_symlink() and path.is_dir():
        return Issue("is a symbolic link to a folder", hint, _at(path))
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        return Issue("is a symbolic link out of the inventory", hint, _at(path))
    if path.is_dir():
        return None
    if not stat.S_ISREG(path.stat().st_mode):
        return Issue("is neither a file nor a folder", "remove it", _at(path))
    parts = path.relative_to(folder).parts
    is_read = not any(IGNORED.search(os.fsencode(part)) for part in parts)
    if is_read and path.suffix not in _DATA and not _BACKUP.search(path.name):
        return Issue(
            "is neither YAML nor INI; programs and other formats of inventories are not read",
            "move it out of the inventory, or, if it is your own, convert it with "
            f"`ansible-inventory -i {short(path)} --list --yaml --export`",
            _at(path),
        )
    return None


def is_encrypted(file: Path) -> bool:
    """Return whether a whole file is encrypted by Ansible vault."""
    with file.open("rb") as stream:
        return stream.read(len(_VAULT)) == _VAULT


def check_files(sources: Sources, data_only: bool = False) -> tuple[list[Issue], bool]:
    """Check each file by itself.

    Args:
        sources: the files.
        data_only: whether the inventory must consist of its own YAML files.

    Returns:
        the issues; and whether Ansible can read the files.
    """
    issues = [_backup(file) for file in sources.backups]
    foreign = list(sources.foreign) if data_only else []
    issues += foreign
    readable = not foreign
    closed = {issue.location.file for issue in foreign}
    first: dict[str, Path] = {}
    for file in (*sources.inventories, *(file for file, _ in sources.variables)):
        # A linked folder has its files outside of the inventory.
        if any(short(each) in closed for each in (file, *file.parents)):
            continue
        if is_encrypted(file):
            if incomplete_vault(file.read_text(encoding="utf-8", errors="replace")):
                hint = "restore it from a backup"
                issues.append(Issue("is encrypted, but not complete", hint, _at(file)))
                readable = False
            continue
        text = ""
        try:
            text = _read(file)
            check_size(text)
            tree = yaml.compose(text, Loader=LOADER)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, TooLargeError) as error:
            issues.append(_invalid_yaml(file, error, text))
            readable = False
            continue
        if (tree is None or is_null(tree)) and file in sources.inventories:
            hint = "configure a bridge in it, or remove it"
            issues.append(Issue("is empty, so it is not an inventory", hint, _at(file)))
            readable = False
        issues += _duplicate_keys(tree, file, "")
        shapes = list(misread_values(tree, text, short(file)))
        if tree is None:
            continue
        if file in sources.inventories:
            shapes += wrong_shapes(tree, file, data_only)
        else:
            shapes += wrong_variables(tree, file)
        if file in sources.inventories and not shapes:
            issues += _other_files(tree, file, first)
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


def _is_visible(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.exists() and not hidden


def _read(file: Path) -> str:
    """Read a file, but no more of it than shows that it is too large."""
    with file.open(encoding="utf-8") as stream:
        return stream.read(MOST_BYTES + 1)


def _at(file: Path, line: int | None = None, variable: str | None = None) -> Location:
    return Location((variable,) if variable else (), short(file), line)


def _backup(file: Path) -> Issue:
    hint = "remove it, or give it a name that ends with .yml"
    return Issue("looks like a backup copy, which Ansible ignores", hint, _at(file))


def _invalid_yaml(file: Path, error: Exception, text: str) -> Issue:
    line = None
    hint = "correct the indentation, quotes or colons in this line or the line before"
    what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    if isinstance(error, TooLargeError):
        hint = "write what each bridge needs, and no more"
        return Issue(f"is too large: {what}", hint, _at(file))
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
