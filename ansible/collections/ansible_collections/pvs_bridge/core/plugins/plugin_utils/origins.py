"""Find where a value was written, by the tags that ansible-core puts on what it loads.

The tags are ansible-core's own affair: present since 2.19, internal, and not promised. Where they
are missing, findings lack file and line and are otherwise the same.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import yaml

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import UNUSABLE, Path, Place

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # pragma: no cover - an ansible-core before 2.19, or one that moved it
    Origin = None

_NOT_THERE = object()


class TaggedOrigins:
    """A Locate over the values that a play has loaded."""

    def __init__(self, raw: Mapping[str, Any], rendered: Mapping[str, Any]) -> None:
        """Remember the values with their tags.

        Args:
            raw: by name, as written.
            rendered: the same, rendered: knows where a value is from that a template refers to.
        """
        self._trees = (raw, rendered)

    def __call__(self, path: Path) -> Place:
        """Return the place of a value, else of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            for tree in self._trees:
                found = _place_at(tree, path[:length])
                if found is not None:
                    return found
        return Place()


def origin_file(value: Any) -> pathlib.Path | None:  # noqa: ANN401 - any value
    """Return the absolute path of the file that a value was loaded from; None if unknown."""
    origin = _tag(value)
    return pathlib.Path(origin.path) if origin is not None and origin.path else None


def origin_mark(value: Any) -> tuple[str, int, int] | None:  # noqa: ANN401 - any value
    """Return file, line and column where a value begins; None where one of them is unknown.

    What a template yields has the mark of the value that it has yielded, else its own.
    """
    origin = _tag(value)
    if origin is None or not (origin.path and origin.line_num and origin.col_num):
        return None
    return str(origin.path), int(origin.line_num), int(origin.col_num)


def _place_at(tree: Mapping[str, Any], path: Path) -> Place | None:
    container: Any = tree
    for part in path[:-1]:
        container = _step(container, part)
    value = _step(container, path[-1])
    if value is _NOT_THERE or value is UNUSABLE:
        return None
    origin = _tag(value)
    if origin is None:
        origin = _origin_of_key(container, path[-1], value)
    if origin is None or not origin.path:
        return None
    return Place(short_path(origin.path), origin.line_num)


def _step(container: Any, part: str | int) -> Any:  # noqa: ANN401 - any value
    if isinstance(container, Mapping):
        return container.get(part, _NOT_THERE)
    if isinstance(container, (list, tuple)) and isinstance(part, int) and part < len(container):
        return container[part]
    return _NOT_THERE


def _origin_of_key(container: Any, key: str | int, value: Any) -> Any:  # noqa: ANN401 - any value
    """Return the origin of the key, for true, false and null, which cannot carry a tag.

    Where a host overrides what its group sets, the key may still be the group's: only a key is
    believed whose line really holds the value.
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


def _tag(value: Any) -> Any:  # noqa: ANN401 - Origin, which only some ansible-core has
    return None if Origin is None else Origin.get_tag(value)


def short_path(path: str) -> str:
    """Write a path as somebody in the current directory would type it."""
    try:
        return str(pathlib.Path(path).relative_to(pathlib.Path.cwd()))
    except ValueError:
        return path
