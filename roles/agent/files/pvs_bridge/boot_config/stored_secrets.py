"""Secrets that only the Pi has: replace them by a placeholder in a file, and insert them again."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from pvs_bridge.boot_config.layers import Path
from pvs_bridge.boot_config.yaml_file import compose
from pvs_bridge.errors import Issue, Location

PLACEHOLDER = "stored on the Pi"
"""Replaces a secret on the boot partition that the Pi has stored."""

# The keys that identify an item of a list, whatever its position.
_NAMES = ("ssid", "name")


def mask(text: str, secrets: Iterable[Path], options: Mapping[str, Any] | None = None) -> str:
    """Replace secrets by the placeholder; keep everything else, with comments.

    Args:
        text: YAML of which at least a part is valid.
        secrets: The paths of the secrets.
        options: The specification of all variables, if small mistakes were corrected.
    """
    composed = compose(text, options=options)
    text, root = composed.text, composed.root
    nodes = [found for found in (_node(root, path) for path in secrets) if found is not None]
    # From the end, because a replacement moves the text after it.
    for node in sorted(nodes, key=lambda each: -each.start_mark.index):
        begin, end = node.start_mark.index, node.end_mark.index
        block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        text = f"{text[:begin]}{PLACEHOLDER}{_line_end(text) if block else ''}{text[end:]}"
    return text


def fill(values: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[dict[str, Any], list[Path]]:
    """Insert the stored secrets.

    Args:
        values: The values as they are in the file.
        stored: The stored values of the same file.

    Returns:
        the values, and the paths of placeholders without a stored secret.
    """
    filled = copy.deepcopy(dict(values))
    unknown: list[Path] = []
    for name in filled:
        filled[name] = _filled(filled[name], stored.get(name), (name,), unknown)
    return filled, unknown


def is_stored(values: Mapping[str, Any], path: Path, stored: Mapping[str, Any]) -> bool:
    """Return whether :func:`fill` would insert a secret again.

    Args:
        values: The values as they are in the file.
        path: The path of the secret.
        stored: The stored values of the same file.
    """
    masked = copy.deepcopy(dict(values))
    inner: Any = masked
    for part in path[:-1]:
        inner = inner[part]
    secret = inner[path[-1]]
    inner[path[-1]] = PLACEHOLDER
    found: Any = fill(masked, stored)[0]
    for part in path:
        found = found[part]
    return bool(secret != PLACEHOLDER and found == secret)


def unknown_secret(location: Location) -> Issue:
    """Return the issue of a placeholder without a stored secret."""
    return Issue(
        f"is {PLACEHOLDER!r}, but the Pi has not stored this value",
        "write the value itself",
        location,
    )


def _filled(value: Any, stored: Any, path: Path, unknown: list[Path]) -> Any:  # noqa: ANN401 - any value
    if value == PLACEHOLDER:
        if isinstance(stored, (str, int, float)):
            return stored
        unknown.append(path)
        return value
    if isinstance(value, dict):
        old = stored if isinstance(stored, dict) else {}
        return {
            key: _filled(each, old.get(key), (*path, str(key)), unknown)
            for key, each in value.items()
        }
    if isinstance(value, list):
        # In a list that has become shorter, a placeholder does not tell which item it was.
        shorter = isinstance(stored, list) and len(value) < len(stored)
        return [
            _filled(
                each,
                None if shorter and each == PLACEHOLDER else _counterpart(each, number, stored),
                (*path, number),
                unknown,
            )
            for number, each in enumerate(value)
        ]
    return value


def _counterpart(item: Any, number: int, stored: Any) -> Any:  # noqa: ANN401 - any value
    """Return the stored item with the same name, or the same position if items have no name."""
    items = stored if isinstance(stored, list) else []
    for key in _NAMES:
        if isinstance(item, dict) and key in item:
            return next(
                (old for old in items if isinstance(old, dict) and old.get(key) == item[key]), None
            )
    return items[number] if number < len(items) else None


def _node(node: yaml.Node | None, path: Path) -> yaml.Node | None:
    for part in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if str(key.value) == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part] if part < len(node.value) else None
        else:
            return None
    return node


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
