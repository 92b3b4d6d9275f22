"""The bridge's variables, and which of them are secret, from the roles' argument_specs.yml."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import yaml

from pvs_bridge.boot_config.layers import Path

# Names that end with these words are secret even without no_log in the specification.
_SECRET_WORDS = ("passphrase", "password", "psk")


def load(project: FilePath) -> dict[str, Any]:
    """Read the options of all roles, by name.

    Args:
        project: The folder that has ``roles``.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    options: dict[str, Any] = {}
    for file in sorted(project.glob("roles/*/meta/argument_specs.yml")):
        specs = yaml.load(file.read_text(encoding="utf-8"), loader)  # noqa: S506 - a SafeLoader
        options.update(specs["argument_specs"]["main"].get("options") or {})
    return options


def suggestion(name: str, options: Mapping[str, Any]) -> str:
    """Return a hint about an unknown variable."""
    if name == "pvs_bridges":
        return "write only the variables, at the left edge, without pvs_bridges, hosts and a name"
    close = difflib.get_close_matches(name.lower(), options, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else "remove it; see pvs-bridge.example.yml"


def secret_paths(variables: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the paths of all secrets.

    Args:
        variables: The values as they are in the file.
        options: The result of :func:`load`.
    """
    for name, value in variables.items():
        yield from _secrets(value, options.get(name) or {}, (name,))


def _secrets(value: Any, option: Mapping[str, Any], path: Path) -> Iterator[Path]:  # noqa: ANN401 - any value
    inner = option.get("options") or {}
    if isinstance(value, dict):
        for key, each in value.items():
            # The keys of a secret mapping, such as user names, are not secret.
            below = {"no_log": option.get("no_log"), **(inner.get(key) or {})}
            yield from _secrets(each, below, (*path, str(key)))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _secrets(each, option, (*path, number))
    elif value not in (None, "") and (
        option.get("no_log") or str(path[-1]).split("_")[-1] in _SECRET_WORDS
    ):
        yield path
