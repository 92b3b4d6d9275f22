"""The roles' argument specs, defaults and constants: which variables there are, of which type."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

# The last word of names whose values are secret even where a spec forgets to say no_log.
SECRET_WORDS = frozenset({"passphrase", "password", "psk"})

# What ansible-core knows to check between the keys of one mapping.
CONSTRAINTS = (
    "mutually_exclusive",
    "required_by",
    "required_if",
    "required_one_of",
    "required_together",
)

Read = Callable[[pathlib.Path], Any]


class SpecError(Exception):
    """A role that validation cannot work with; says which, why and what to do."""


@dataclasses.dataclass(frozen=True)
class Option:
    """One variable, or one key of a variable that is a mapping.

    Attributes:
        type: str, int, float, bool, list, dict, path or raw.
        required: whether it must be given.
        default: None where there is none.
        choices: the only values allowed; None where any is.
        elements: type of a list's items; None where any will do.
        options: the keys of a mapping, or of each mapping in a list; None where any will do.
        secret: its value must not be shown.
        constraints: CONSTRAINTS between the options, as ansible-core spells them.
    """

    type: str = "str"
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] | None = None
    elements: str | None = None
    options: Mapping[str, Option] | None = None
    secret: bool = False
    constraints: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def holds_secrets(self) -> bool:
        """Whether it, or anything in it, must not be shown."""
        return self.secret or any(each.holds_secrets for each in (self.options or {}).values())


@dataclasses.dataclass(frozen=True)
class RoleSpec:
    """What a role says about its variables.

    Attributes:
        name: the role's name, which each of its variables begins with.
        options: its variables.
        defaults: its defaults/main.yml as written, templates not rendered.
        defaults_file: where these stand.
        constants: its vars/main.yml as written, templates not rendered.
    """

    name: str
    options: Mapping[str, Option]
    defaults: Mapping[str, Any]
    defaults_file: pathlib.Path
    constants: Mapping[str, Any]


def read_yaml(file: pathlib.Path) -> Any:  # noqa: ANN401 - YAML holds anything
    """Read a YAML file that holds no secrets and no templates that matter."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def parse_options(raw: Mapping[str, Any]) -> dict[str, Option]:
    """Turn the ``options`` of an argument spec into Options.

    Args:
        raw: as argument_specs.yml has them.
    """
    return {name: _parse_option(name, each or {}) for name, each in raw.items()}


def load_role(directory: pathlib.Path, read: Read = read_yaml) -> RoleSpec:
    """Load a role's argument spec (entry point ``main``), defaults and constants.

    Args:
        directory: the role, such as ``roles/uplink``.
        read: reads a YAML file; whoever renders templates later passes Ansible's own loader.

    Raises:
        SpecError: the role has no argument spec, or one that cannot be read.
    """
    spec_file = directory / "meta" / "argument_specs.yml"
    defaults_file = directory / "defaults" / "main.yml"
    if not spec_file.is_file():
        msg = f"role {directory.name} has no {spec_file}. Hint: write one, or do not name the role"
        raise SpecError(msg)
    try:
        raw = read(spec_file)
        options = parse_options(raw["argument_specs"]["main"].get("options") or {})
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        msg = f"{spec_file} is no argument spec. Hint: give it argument_specs: main: options:"
        raise SpecError(msg) from error
    defaults, constants = (
        (read(file) or {}) if file.is_file() else {}
        for file in (defaults_file, directory / "vars" / "main.yml")
    )
    return RoleSpec(directory.name, options, defaults, defaults_file, constants)


def all_options(specs: Iterable[RoleSpec]) -> dict[str, Option]:
    """Merge the variables of all roles, in the roles' order."""
    return {name: option for spec in specs for name, option in spec.options.items()}


def _parse_option(name: str, raw: Mapping[str, Any]) -> Option:
    choices = raw.get("choices")
    options = raw.get("options")
    return Option(
        type=raw.get("type", "str"),
        required=bool(raw.get("required", False)),
        default=raw.get("default"),
        choices=None if choices is None else tuple(choices),
        elements=raw.get("elements"),
        options=None if options is None else parse_options(options),
        secret=bool(raw.get("no_log", False)) or name.rpartition("_")[2] in SECRET_WORDS,
        constraints={key: raw[key] for key in CONSTRAINTS if key in raw},
    )
