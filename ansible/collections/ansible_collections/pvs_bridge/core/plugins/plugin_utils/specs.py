"""The roles' argument specs, defaults and constants: all variables and their types."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import IssueError

# Values are secret if their name ends with one of these, even without no_log in the spec.
SECRET_WORDS = frozenset({"passphrase", "password", "psk"})

# What ansible-core can check between the keys of one mapping.
CONSTRAINTS = (
    "mutually_exclusive",
    "required_by",
    "required_if",
    "required_one_of",
    "required_together",
)

Read = Callable[[pathlib.Path], Any]


class SpecError(IssueError):
    """A role has no usable argument spec."""


@dataclasses.dataclass(frozen=True)
class Option:
    """One variable, or one key of a variable that is a mapping.

    Attributes:
        type: str, int, float, bool, list, dict, path or raw.
        required: whether it must be set.
        default: None if it has no default.
        choices: the allowed values; None if all are allowed.
        elements: type of a list's items; None if all are allowed.
        options: the keys of a mapping, or of each mapping in a list; None if all are allowed.
        secret: whether its value must not be shown.
        constraints: CONSTRAINTS between the options, as in ansible-core.
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
        """Whether it, or a value in it, must not be shown."""
        return self.secret or any(each.holds_secrets for each in (self.options or {}).values())


@dataclasses.dataclass(frozen=True)
class RoleSpec:
    """A role's variables.

    Attributes:
        name: the role's name.
        options: its variables.
        defaults: its defaults/main.yml as written, templates not rendered.
        defaults_file: the path of that file.
        constants: its vars/main.yml as written, templates not rendered.
    """

    name: str
    options: Mapping[str, Option]
    defaults: Mapping[str, Any]
    defaults_file: pathlib.Path
    constants: Mapping[str, Any]

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes of its variables: the role's name, and that of its public variables.

        The variables of the role common begin with ``bridge_``.
        """
        own = f"{self.name}_"
        others = {f"{name.partition('_')[0]}_" for name in self.options if not name.startswith(own)}
        return (own, *sorted(others))


def read_yaml(file: pathlib.Path) -> Any:  # noqa: ANN401 - any YAML
    """Read a YAML file without vault values and without templates that are rendered later."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def parse_options(raw: Mapping[str, Any]) -> dict[str, Option]:
    """Parse the ``options`` of an argument spec.

    Args:
        raw: as argument_specs.yml has them.
    """
    return {name: _parse_option(name, each or {}) for name, each in raw.items()}


def load_role(directory: pathlib.Path, read: Read = read_yaml) -> RoleSpec:
    """Load a role's argument spec (entry point ``main``), defaults and constants.

    Args:
        directory: the role, such as ``roles/uplink``.
        read: reads a YAML file; pass Ansible's own loader if templates are rendered later.

    Raises:
        SpecError: the role has no argument spec, or an invalid one.
    """
    spec_file = directory / "meta" / "argument_specs.yml"
    defaults_file = directory / "defaults" / "main.yml"
    if not spec_file.is_file():
        raise SpecError(
            f"role {directory.name} has no {spec_file}", "write that file, or do not list the role"
        )
    try:
        raw = read(spec_file)
        options = parse_options(raw["argument_specs"]["main"].get("options") or {})
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise SpecError(
            f"{spec_file} is not a valid argument spec", "add argument_specs: main: options: to it"
        ) from error
    defaults, constants = (
        (read(file) or {}) if file.is_file() else {}
        for file in (defaults_file, directory / "vars" / "main.yml")
    )
    return RoleSpec(directory.name, options, defaults, defaults_file, constants)


def all_options(specs: Iterable[RoleSpec]) -> dict[str, Option]:
    """Merge the variables of all roles, in the order of the roles."""
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
