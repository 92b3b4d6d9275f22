"""Check values against argument specs: types, choices, required and unknown keys.

A value must have the type of its spec already. ansible-core would convert it for the check alone: a
role then reads what was written, and there the text ``"false"`` is true, ``NO`` is ``"False"``, and
a list in one string is a string. ansible-core's messages also contain no list index, stop at the
first error, and quote the values of secrets.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import (
    UNUSABLE,
    Issue,
    Path,
    variable_name,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import (
    Option,
    RoleSpec,
    all_options,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import (
    closest,
    did_you_mean,
)

_TYPES = {
    "bool": "true or false",
    "dict": "a mapping (lines of key: value)",
    "float": "a number",
    "int": "an integer",
    "list": "a list (lines that begin with a hyphen)",
    "path": "a path",
    "str": "a string",
}
# From this similarity on, an unknown variable is a misspelt one, even if others use the prefix.
_CERTAIN = 0.85
# Variables of earlier versions, with what to write instead.
_REPLACED = {
    "proxy_https_enabled": (
        "proxy_https",
        'write proxy_https: passthrough for the old true, or proxy_https: "off" for the old false; '
        "its default, guarded, is safe",
    ),
}
_PYTHON: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "float": (int, float),
    "int": int,
    "path": str,
    "str": str,
}


def check_specs(
    variables: Mapping[str, Any], specs: Iterable[RoleSpec]
) -> tuple[dict[str, Any], list[Issue]]:
    """Check a host's variables against the specs of its roles.

    Args:
        variables: the host's, rendered; UNUSABLE if a value already has an issue.
        specs: of all roles that will run.

    Returns:
        the variables of the specs in the types of the specs, UNUSABLE if wrong; and the issues.
    """
    specs = list(specs)
    options = all_options(specs)
    issues = list(_unknown_variables(variables, specs, options))
    values = {}
    for name, option in options.items():
        if variables.get(name) is None and option.default is None:
            # In Ansible, a host resets a variable of its group by null.
            if option.required:
                issues.append(Issue.at((name,), "must be set", _form(option, (name,), None)))
        elif name in variables:
            values[name] = check_value(variables[name], option, (name,), issues)
    return values, issues


def check_value(value: Any, option: Option, path: Path, issues: list[Issue]) -> Any:  # noqa: ANN401 - any value
    """Check one value and everything in it.

    Args:
        value: as rendered.
        option: its spec.
        path: its path.
        issues: new issues are appended.

    Returns:
        the value in the type of the spec; UNUSABLE, whole or in parts, if wrong.
    """
    if value is UNUSABLE:
        return UNUSABLE
    if value is None:
        hint = "add a value, or remove the line"
        issues.append(Issue.at(path, "has no value (YAML reads null)", hint))
        return UNUSABLE
    if option.type == "list":
        return _check_list(value, option, path, issues)
    if option.type == "dict":
        return _check_mapping(value, option, path, issues)
    return _check_scalar(value, option, path, issues)


def _check_list(value: Any, option: Option, path: Path, issues: list[Issue]) -> Any:  # noqa: ANN401 - any value
    if not isinstance(value, (list, tuple)):
        problem = f"must be a list, got {_kind(value)}"
        issues.append(Issue.at(path, problem, _form(option, path, value)))
        return UNUSABLE
    element = Option(
        type=option.elements or "raw",
        choices=option.choices,
        options=option.options,
        secret=option.secret,
        constraints=option.constraints,
    )
    return [check_value(item, element, (*path, i), issues) for i, item in enumerate(value)]


def _check_mapping(value: Any, option: Option, path: Path, issues: list[Issue]) -> Any:  # noqa: ANN401 - any value
    if not isinstance(value, Mapping):
        problem = f"must be a mapping, got {_kind(value)}"
        issues.append(Issue.at(path, problem, _form(option, path, value)))
        return UNUSABLE
    if option.options is None:
        return dict(value)
    checked: dict[str, Any] = {}
    for key, item in value.items():
        known = option.options.get(key)
        if known is None:
            hint = did_you_mean(str(key), option.options)
            issues.append(Issue.at((*path, str(key)), "is an unknown key", hint))
        else:
            checked[key] = check_value(item, known, (*path, key), issues)
    for key, known in option.options.items():
        if known.required and key not in value:
            hint = f"add {key}: to {variable_name(path)}"
            issues.append(Issue.at((*path, key), "is missing", hint))
            checked[key] = UNUSABLE
    issues.extend(_broken_constraints(checked, option, path))
    return checked


def _broken_constraints(checked: Mapping[str, Any], option: Option, path: Path) -> Iterator[Issue]:
    if not option.constraints or not option.options:
        return
    # The value of each key was checked above; this checks only the combination of keys.
    untyped = {key: {"type": "raw"} for key in option.options}
    shown = {
        key: "(secret)" if option.options[key].secret else value for key, value in checked.items()
    }
    for message in (
        ArgumentSpecValidator(untyped, **option.constraints).validate(shown).error_messages
    ):
        yield Issue.at(path, f"has an invalid combination of keys: {message}", "correct its keys")


def _check_scalar(value: Any, option: Option, path: Path, issues: list[Issue]) -> Any:  # noqa: ANN401 - any value
    if option.type == "raw":
        return value
    # In Python, True is an instance of int.
    of_type = isinstance(value, _PYTHON[option.type]) and (
        option.type == "bool" or not isinstance(value, bool)
    )
    if not of_type or (isinstance(value, float) and not math.isfinite(value)):
        problem = f"must be {_TYPES[option.type]}, got {_kind(value)}"
        issues.append(Issue.at(path, problem, _form(option, path, value)))
        return UNUSABLE
    if option.choices is not None and value not in option.choices:
        issues.append(_not_a_choice(value, option, path))
        return UNUSABLE
    return value


def _not_a_choice(value: Any, option: Option, path: Path) -> Issue:  # noqa: ANN401 - any value
    choices = ", ".join(str(choice) for choice in option.choices or ())
    guess = closest(str(value), [str(choice) for choice in option.choices or ()])
    # Values next to a secret are not shown, because a user who swaps two lines writes the secret
    # there.
    shown = f", got {value!r}" if len(path) == 1 and not option.secret else ""
    hint = f"did you mean {guess}?" if guess else "use one of these values"
    return Issue.at(path, f"must be one of: {choices}{shown}", hint)


def _unknown_variables(
    variables: Mapping[str, Any], specs: list[RoleSpec], options: Mapping[str, Option]
) -> Iterator[Issue]:
    prefixes = tuple(prefix for spec in specs for prefix in spec.prefixes)
    for name in variables:
        if name in _REPLACED and _REPLACED[name][0] in options:
            new, hint = _REPLACED[name]
            yield Issue.at((name,), f"was replaced by {new}", hint)
        elif name.startswith(prefixes) and name not in options:
            # A similar variable of the same role is more likely than one of another role:
            # proxy_port is a misspelt proxy_http_port.
            prefix = next(each for each in prefixes if name.startswith(each))
            alike = [each for each in options if each.startswith(prefix)]
            guess = closest(name, alike) or closest(name, options)
            hint = f"did you mean {guess}?" if guess else "remove it, or use another prefix"
            misspelt = closest(name, options, _CERTAIN) is not None
            issue = Issue.at((name,), "is an unknown variable", hint)
            yield dataclasses.replace(issue, foreign=not misspelt)


def _form(option: Option, path: Path, value: Any) -> str:  # noqa: ANN401 - any value
    """Write the hint that shows the form of a value, with the default as an example.

    Args:
        option: its spec.
        path: its path.
        value: as rendered.
    """
    name = variable_name(path)
    if option.type in ("list", "dict"):
        return f"write {name} as {_TYPES[option.type]}{_with_e(path, value, '...')}"
    if option.type in ("str", "path"):
        return "put the value in quotes" if value is not None else f"write {_TYPES[option.type]}"
    meant = _meant(value, option)
    if meant is not None:
        in_ini = f", in an INI file as {meant}" if option.type == "bool" else ""
        in_template = f", in a template with | {option.type}"
        written = json.dumps(meant)
        return f"write {written} without quotes{in_ini}{in_template}{_with_e(path, value, written)}"
    wanted = f"write {_TYPES[option.type]}"
    example = None if isinstance(option.default, bool) or option.secret else option.default
    if example is None or "{{" in str(example):
        return wanted
    return f"{wanted}, such as {example}"


def _meant(value: Any, option: Option) -> bool | float | None:  # noqa: ANN401 - any value
    """Return the boolean or number that a text stands for; None if it stands for none."""
    if not isinstance(value, str):
        return None
    typed = {"value": {"type": option.type}}
    result = ArgumentSpecValidator(typed).validate({"value": str(value)})
    found: bool | float = result.validated_parameters["value"]
    return None if result.error_messages else found


def _with_e(path: Path, value: Any, written: str) -> str:  # noqa: ANN401 - any value
    """Write how to give a typed value with -e, whose ``key=value`` is always text."""
    if len(path) > 1 or not isinstance(value, str):
        return ""
    brackets = f'{{"{path[0]}": {written}}}'
    return f", with -e as '{brackets}'"


def _kind(value: Any) -> str:  # noqa: ANN401 - any value
    """Name a value's type, without the value."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string" if value else "an empty string"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "null"
    return f"a {type(value).__name__}"
