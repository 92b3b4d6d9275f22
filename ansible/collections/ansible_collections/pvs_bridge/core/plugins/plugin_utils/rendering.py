"""Render a host's variables leaf by leaf, so that one bad template spoils only its own value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import UNUSABLE, Fault, Path

_OMIT = object()

# Renders one value that is no list and no mapping.
Render = Callable[[Any], Any]


class Omitted(Exception):  # noqa: N818 - no error: the value asks to be treated as not there
    """Raised by a Render for a value that resolves to ``omit``."""


class RenderError(Exception):
    """Raised by a Render for a value that cannot be rendered.

    Args:
        problem: what is wrong, without any part of the value itself.
        hint: what to do about it.
        sealed: whether the value is only closed to whoever asks, and may be right.
    """

    def __init__(self, problem: str, hint: str, sealed: bool = False) -> None:
        """Keep them apart, for a Fault wants them so."""
        super().__init__(problem, hint)
        self.problem = problem
        self.hint = hint
        self.sealed = sealed


def render_all(raw: Mapping[str, Any], render: Render) -> tuple[dict[str, Any], list[Fault]]:
    """Render variables.

    Args:
        raw: by name, as written.
        render: renders one leaf; may raise Omitted or RenderError.

    Returns:
        the variables, UNUSABLE where one could not be rendered; and why not.
    """
    faults: list[Fault] = []
    return _render_mapping(raw, (), render, faults), faults


def _render_mapping(
    raw: Mapping[str, Any], path: Path, render: Render, faults: list[Fault]
) -> dict[str, Any]:
    items = {key: _render(value, (*path, key), render, faults) for key, value in raw.items()}
    return {key: value for key, value in items.items() if value is not _OMIT}


def _render(value: Any, path: Path, render: Render, faults: list[Fault]) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, Mapping):
        return _render_mapping(value, path, render, faults)
    if isinstance(value, (list, tuple)):
        items = [_render(item, (*path, i), render, faults) for i, item in enumerate(value)]
        return [item for item in items if item is not _OMIT]
    try:
        return render(value)
    except Omitted:
        return _OMIT
    except RenderError as error:
        faults.append(Fault(path, error.problem, error.hint, error.sealed))
        return UNUSABLE
