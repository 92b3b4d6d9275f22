"""Find where a value was written, by the tags that ansible-core adds to loaded values.

The tags are internal to ansible-core and exist since version 2.19. Without them, issues have
neither file nor line.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import yaml

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import UNUSABLE, Location, Path

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # pragma: no cover - ansible-core before 2.19, or a version that moved it
    Origin = None

_NOT_THERE = object()


class TaggedOrigins:
    """Locates the values that a play has loaded."""

    def __init__(self, raw: Mapping[str, Any], rendered: Mapping[str, Any]) -> None:
        """Keep the values with their tags.

        Args:
            raw: by name, as written.
            rendered: by name, rendered; has the origin of values that a template refers to.
        """
        self._trees = (raw, rendered)

    def __call__(self, path: Path) -> Location:
        """Return the location of a value, or of the nearest enclosing value that has one."""
        for length in range(len(path), 0, -1):
            for tree in self._trees:
                origin = _origin_at(tree, path[:length])
                if origin is not None:
                    return Location(path, short_path(origin.path), origin.line_num)
        return Location(path)


def is_of_group(location: Location) -> bool:
    """Return whether a variable was written for a group, where roles of other projects find it.

    Args:
        location: where it was written.
    """
    if location.file is None or location.line is None:
        return False
    path = pathlib.Path(location.file)
    folders = [each for each in path.parts[:-1] if each in ("group_vars", "host_vars")]
    if folders:
        return folders[-1] == "group_vars"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[: location.line]
    except (OSError, ValueError):
        return False
    # The nearest line above that is indented less is the key that the variable is below; in an INI
    # file it is the nearest section.
    indentation = len(lines[-1]) - len(lines[-1].lstrip())
    for line in reversed(lines):
        if line.startswith("["):
            return line.rstrip().endswith(":vars]")
        if line.strip() and len(line) - len(line.lstrip()) < indentation:
            return line.strip().partition("#")[0].strip() == "vars:"
    return False


def origin_file(value: Any) -> pathlib.Path | None:  # noqa: ANN401 - any value
    """Return the absolute path of the file that a value was loaded from; None if unknown."""
    origin = _tag(value)
    return pathlib.Path(origin.path) if origin is not None and origin.path else None


def origin_mark(value: Any) -> tuple[str, int, int] | None:  # noqa: ANN401 - any value
    """Return file, line and column where a value begins; None if one of them is unknown.

    The result of a template has the mark of the value that it returned, or the template's own.
    """
    origin = _tag(value)
    if origin is None or not (origin.path and origin.line_num and origin.col_num):
        return None
    return str(origin.path), int(origin.line_num), int(origin.col_num)


def with_origin(new: Any, value: Any) -> Any:  # noqa: ANN401 - any values
    """Return a new value that counts as written where a value was, but not as a template."""
    origin = _tag(value)
    return new if origin is None else origin.tag(new)


def _origin_at(tree: Mapping[str, Any], path: Path) -> Any:  # noqa: ANN401 - see _tag
    container: Any = tree
    for part in path[:-1]:
        container = _step(container, part)
    value = _step(container, path[-1])
    if value is _NOT_THERE or value is UNUSABLE:
        return None
    origin = _tag(value)
    if origin is None:
        origin = _origin_of_key(container, path[-1], value)
    return origin if origin is not None and origin.path else None


def _step(container: Any, part: str | int) -> Any:  # noqa: ANN401 - any value
    if isinstance(container, Mapping):
        return container.get(part, _NOT_THERE)
    if isinstance(container, (list, tuple)) and isinstance(part, int) and part < len(container):
        return container[part]
    return _NOT_THERE


def _origin_of_key(container: Any, key: str | int, value: Any) -> Any:  # noqa: ANN401 - any value
    """Return the origin of the key, because true, false and null cannot carry a tag.

    If a host overrides a variable of its group, the key may still be the group's. Therefore the
    key's line must really contain the value.
    """
    if not isinstance(container, Mapping) or not (value is None or isinstance(value, bool)):
        return None
    origin = next((_tag(each) for each in container if each == key), None)
    if origin is None or not origin.path or not origin.line_num:
        return None
    try:
        lines = pathlib.Path(origin.path).read_text(encoding="utf-8").splitlines()
        written = yaml.safe_load(lines[origin.line_num - 1].strip().removeprefix("- "))
    except (OSError, ValueError, IndexError, yaml.YAMLError):
        return None
    return origin if isinstance(written, dict) and written.get(key, _NOT_THERE) is value else None


def _tag(value: Any) -> Any:  # noqa: ANN401 - an Origin of ansible-core
    return None if Origin is None else Origin.get_tag(value)


def short_path(path: str) -> str:
    """Return a path relative to the current folder if it is below it."""
    try:
        return str(pathlib.Path(path).relative_to(pathlib.Path.cwd()))
    except ValueError:
        return path
