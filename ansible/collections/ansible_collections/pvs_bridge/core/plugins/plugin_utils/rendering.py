"""Render a host's variables leaf by leaf, so that a bad template affects only its own value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import (
    UNUSABLE,
    Issue,
    IssueError,
    Location,
    Path,
)

_OMIT = object()

# Renders one value that is neither a list nor a mapping.
Render = Callable[[Any], Any]


class Omitted(Exception):  # noqa: N818 - not an error
    """Raised by a Render if a value resolves to ``omit`` and counts as not set."""


class RenderError(IssueError):
    """Raised by a Render if a value cannot be rendered; never contains the value."""


def render_all(raw: Mapping[str, Any], render: Render) -> tuple[dict[str, Any], list[Issue]]:
    """Render variables.

    Args:
        raw: by name, as written.
        render: renders one leaf; may raise Omitted or RenderError.

    Returns:
        the variables, UNUSABLE if one cannot be rendered; and the issues.
    """
    issues: list[Issue] = []
    return _render_mapping(raw, (), render, issues), issues


def _render_mapping(
    raw: Mapping[str, Any], path: Path, render: Render, issues: list[Issue]
) -> dict[str, Any]:
    items = {key: _render(value, (*path, key), render, issues) for key, value in raw.items()}
    return {key: value for key, value in items.items() if value is not _OMIT}


def _render(value: Any, path: Path, render: Render, issues: list[Issue]) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, Mapping):
        return _render_mapping(value, path, render, issues)
    if isinstance(value, (list, tuple)):
        items = [_render(item, (*path, i), render, issues) for i, item in enumerate(value)]
        return [item for item in items if item is not _OMIT]
    try:
        return render(value)
    except Omitted:
        return _OMIT
    except RenderError as error:
        issues.append(dataclasses.replace(error.issue, location=Location(path)))
        return UNUSABLE
