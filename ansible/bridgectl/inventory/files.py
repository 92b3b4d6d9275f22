"""The inventory's files by themselves: what YAML and Ansible would pass over, or stumble over.

Ansible reads the second of two equal keys, leaves out a group's unknown key with a warning, and
says of a broken file that it could not be parsed. Here each has its line.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import did_you_mean
from bridgectl.inventory.short_path import short
from bridgectl.validate.report import Problem

VARIABLE_FOLDERS = ("group_vars", "host_vars")
_YAML = (".yml", ".yaml", ".json")
# Of a variables file, no ending is one too.
_VARIABLE_ENDINGS = ("", *_YAML)
# A copy that somebody has put aside; Ansible does not read it, or not as what it was.
_PUT_ASIDE = re.compile(r"\.(ya?ml|json)([.~_-].*|~)$|^#.*#$", re.IGNORECASE)
_GROUP_KEYS = ("hosts", "vars", "children")
# The one that Ansible takes.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VAULT = b"$ANSIBLE_VAULT;"


@dataclasses.dataclass(frozen=True)
class Sources:
    """The files of an inventory.

    Attributes:
        inventories: in YAML, which name hosts and groups.
        variables: files of group_vars and host_vars, by the name of the group or host.
        put_aside: those that look like one of both, and are read by nobody.
    """

    inventories: tuple[Path, ...]
    variables: tuple[tuple[Path, str], ...]
    put_aside: tuple[Path, ...]


def find_sources(inventory: Path) -> Sources:
    """Find the files of an inventory.

    Args:
        inventory: a file or a folder that exists.
    """
    folder = inventory if inventory.is_dir() else inventory.parent
    own = sorted(inventory.rglob("*")) if inventory.is_dir() else [inventory]
    # Beside a single file, the variables' folders belong to it.
    beside = [each for name in VARIABLE_FOLDERS for each in sorted((folder / name).rglob("*"))]
    files = [each for each in dict.fromkeys([*own, *beside]) if _is_visible_file(each, folder)]
    put_aside = [each for each in files if _PUT_ASIDE.search(each.name)]
    variables, inventories = [], []
    for file in files:
        if file in put_aside:
            continue
        parts = file.relative_to(folder).parts
        kinds = [index for index, part in enumerate(parts) if part in VARIABLE_FOLDERS]
        if kinds and file.suffix in _VARIABLE_ENDINGS:
            below = parts[kinds[0] + 1 :]
            variables.append((file, Path(below[0]).stem if len(below) == 1 else below[0]))
        elif not kinds and file.suffix in _YAML:
            inventories.append(file)
    return Sources(tuple(inventories), tuple(variables), tuple(put_aside))


def is_encrypted(file: Path) -> bool:
    """Tell whether a whole file is Ansible vault's."""
    with file.open("rb") as stream:
        return stream.read(len(_VAULT)) == _VAULT


def examine(sources: Sources) -> tuple[list[Problem], bool]:
    """Look into every file.

    Args:
        sources: the files.

    Returns:
        what is wrong; and whether Ansible can be asked to read them.
    """
    problems = [_ignored(file) for file in sources.put_aside]
    readable = True
    for file in (*sources.inventories, *(file for file, _ in sources.variables)):
        if is_encrypted(file):
            continue
        try:
            tree = yaml.compose(file.read_text(encoding="utf-8"), Loader=_LOADER)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            problems.append(_unreadable(file, error))
            readable = False
            continue
        if (tree is None or _is_null(tree)) and file in sources.inventories:
            problem = "is empty, which Ansible takes for no inventory"
            problems.append(
                Problem("inventory", problem, "describe a bridge in it", file=short(file))
            )
            readable = False
        problems += _doubles(tree, file, "")
        if file in sources.inventories and isinstance(tree, yaml.MappingNode):
            shapes = list(_misshapen(tree, file))
            problems += shapes
            readable = readable and not shapes
    return problems, readable


def unheard(
    sources: Sources, groups: Iterable[str], hosts: Iterable[str], of_all: str
) -> Iterator[Problem]:
    """Find the files of variables that are for nobody.

    Args:
        sources: the files.
        groups: the names of all groups.
        hosts: the names of all hosts.
        of_all: a group to name where none is alike.
    """
    groups, hosts = set(groups), set(hosts)
    for file, name in sources.variables:
        is_group = VARIABLE_FOLDERS[0] in file.parts
        known = groups if is_group else hosts
        if name not in known:
            kind = "group" if is_group else "host"
            yield Problem(
                "inventory",
                f"is for {name}, which is no {kind} of this inventory, so nobody reads it",
                did_you_mean(name, known or {of_all}),
                file=short(file),
            )


def _is_visible_file(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and not hidden


def _ignored(file: Path) -> Problem:
    return Problem(
        "inventory",
        "is not read by Ansible as what its name suggests",
        "remove it, or give it a name that ends with .yml",
        file=short(file),
    )


def _unreadable(file: Path, error: Exception) -> Problem:
    line = None
    what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    if isinstance(error, OSError):
        what = error.strerror or "it cannot be opened"
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else None
        # Without the line itself, which may hold a secret.
        what = error.problem or error.context or "it cannot be parsed"
    elif isinstance(error, yaml.YAMLError):
        what = "it has a character that YAML does not allow"
    return Problem(
        "inventory",
        f"is no YAML that can be read: {what}",
        "correct the line, or the one before it: its indentation, its quotes, its colons",
        file=short(file),
        line=line,
    )


def _doubles(node: yaml.Node | None, file: Path, within: str) -> Iterator[Problem]:
    """Find keys that stand in one mapping twice, of which YAML keeps the last one."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _doubles(item, file, f"{within}[{index}]")
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        name = f"{within}.{key.value}" if within else key.value
        line = key.start_mark.line + 1
        if key.value in first and key.value != "<<":
            yield Problem(
                "inventory",
                f"is written twice, and what line {first[key.value]} says is lost",
                "remove one of them",
                variable=_without_groups(name),
                file=short(file),
                line=line,
            )
        first.setdefault(key.value, line)
        yield from _doubles(value, file, name)


def _without_groups(name: str) -> str:
    """Write a variable of a host as the host knows it."""
    _, found, rest = name.rpartition(".hosts.")
    _, has_variable, variable = rest.partition(".")
    return variable if found and has_variable else name


def _misshapen(tree: yaml.MappingNode, file: Path) -> Iterator[Problem]:
    """Find what is no inventory in Ansible's form."""
    if any(key.value == "plugin" for key, _ in tree.value):
        return  # the options of an inventory plugin
    for key, group in tree.value:
        yield from _misshapen_group(key.value, group, file)


def _misshapen_group(name: str, group: yaml.Node, file: Path) -> Iterator[Problem]:
    if _is_null(group):
        return
    if not isinstance(group, yaml.MappingNode):
        yield _shape(name, "is no group: below it belong hosts, vars and children", group, file)
        return
    for key, value in group.value:
        path = f"{name}.{key.value}"
        if key.value not in _GROUP_KEYS:
            problem = "is none of what a group has, so Ansible passes over it"
            yield _shape(path, problem, key, file, did_you_mean(key.value, _GROUP_KEYS))
        elif _is_null(value):
            continue
        elif not isinstance(value, yaml.MappingNode):
            yield _shape(path, "is no mapping", value, file, "write lines of name: below it")
        elif key.value == "children":
            for child, content in value.value:
                yield from _misshapen_group(child.value, content, file)
        elif key.value == "hosts":
            yield from _misshapen_hosts(path, value, file)


def _misshapen_hosts(path: str, hosts: yaml.MappingNode, file: Path) -> Iterator[Problem]:
    for host, content in hosts.value:
        if not isinstance(content, yaml.MappingNode) and not _is_null(content):
            yield _shape(
                f"{path}.{host.value}",
                "is read as a host, but what follows are no variables",
                content,
                file,
                "indent it to stand below its host, if it is a variable",
            )


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null")


def _shape(
    variable: str, problem: str, node: yaml.Node, file: Path, hint: str = "see inventory/example"
) -> Problem:
    line = node.start_mark.line + 1
    return Problem("inventory", problem, hint, variable=variable, file=short(file), line=line)
