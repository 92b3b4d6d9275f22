"""Secrets that have left the card: what stands in their place, and how they come back from it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from pvs_bridge.boot_config.layers import Path, written
from pvs_bridge.boot_config.yaml_file import compose

MARKER = "stored on the Pi"
"""Stands in the place of a secret that the Pi has stored."""

# What a person knows an item of a list by, whatever its place.
_NAMES = ("ssid", "name")


def mask(text: str, secrets: Iterable[Path]) -> str:
    """Put the marker in the place of secrets; everything else, comments too, stays as it is.

    Args:
        text: YAML that can be read.
        secrets: where they stand.
    """
    root = compose(text)
    nodes = [found for found in (_node(root, path) for path in secrets) if found is not None]
    # From the end, so that what stands before keeps its place.
    for node in sorted(nodes, key=lambda each: -each.start_mark.index):
        begin, end = node.start_mark.index, node.end_mark.index
        block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        text = f"{text[:begin]}{MARKER}{_line_end(text) if block else ''}{text[end:]}"
    return text


def fill(values: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[dict[str, Any], list[Path]]:
    """Put what was stored in the place of markers.

    Args:
        values: as a person has left them.
        stored: the same as they were stored before.

    Returns:
        the values, and where a marker stands for which nothing is stored.
    """
    filled = copy.deepcopy(dict(values))
    unknown: list[Path] = []
    for name in filled:
        filled[name] = _filled(filled[name], stored.get(name), (name,), unknown)
    return filled, unknown


def is_stored(values: Mapping[str, Any], path: Path, stored: Mapping[str, Any]) -> bool:
    """Whether a secret comes back by itself where the marker stands for it.

    Args:
        values: as a person has left them.
        path: of the secret.
        stored: the same as they were stored.
    """
    masked = copy.deepcopy(dict(values))
    inner: Any = masked
    for part in path[:-1]:
        inner = inner[part]
    secret = inner[path[-1]]
    inner[path[-1]] = MARKER
    found: Any = fill(masked, stored)[0]
    for part in path:
        found = found[part]
    return bool(secret != MARKER and found == secret)


def unknown_secret(path: Path) -> str:
    """Say that a marker stands for nothing: problem and hint."""
    return (
        f"{written(path)}: says {MARKER!r}, and the Pi has stored nothing for it. Hint: write the "
        "value itself"
    )


def _filled(value: Any, stored: Any, path: Path, unknown: list[Path]) -> Any:  # noqa: ANN401 - any value
    if value == MARKER:
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
        return [
            _filled(each, _counterpart(each, number, stored), (*path, number), unknown)
            for number, each in enumerate(value)
        ]
    return value


def _counterpart(item: Any, number: int, stored: Any) -> Any:  # noqa: ANN401 - any value
    """Find the stored item of the same name; of the same place where items have no name."""
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
