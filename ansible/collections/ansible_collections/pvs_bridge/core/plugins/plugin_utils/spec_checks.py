"""Check values against argument specs: types, choices, required and unknown keys.

ansible-core's ArgumentSpecValidator judges each single value, so that nothing passes here which
a role refuses later. The walk through lists and mappings is our own: ansible-core's messages name
no list index, stop early, and quote the values of secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import (
    UNUSABLE,
    Fault,
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
    "int": "a whole number",
    "list": "a list (lines that begin with a hyphen)",
    "path": "a path",
    "str": "text",
}


def check_variables(
    variables: Mapping[str, Any], specs: Iterable[RoleSpec]
) -> tuple[dict[str, Any], list[Fault]]:
    """Check a host's variables against the specs of its roles.

    Args:
        variables: the host's, rendered; UNUSABLE where a value is known to be wrong already.
        specs: of all roles that will run.

    Returns:
        the variables of the specs in the types that the specs ask for, UNUSABLE where they are
        wrong; and what is wrong.
    """
    specs = list(specs)
    options = all_options(specs)
    faults = list(_unknown_variables(variables, specs, options))
    values = {}
    for name, option in options.items():
        if variables.get(name) is None and option.default is None:
            # A null is Ansible's way to take back what a group set.
            if option.required:
                faults.append(Fault((name,), "is not set", _set_it(option, (name,))))
        elif name in variables:
            values[name] = check_value(variables[name], option, (name,), faults)
    return values, faults


def check_value(value: Any, option: Option, path: Path, faults: list[Fault]) -> Any:  # noqa: ANN401 - any value
    """Check one value and everything in it.

    Args:
        value: as rendered.
        option: what the spec says of it.
        path: where it stands.
        faults: what is wrong is added here.

    Returns:
        the value in the type that the spec asks for; UNUSABLE, whole or in parts, where wrong.
    """
    if value is UNUSABLE:
        return UNUSABLE
    if value is None:
        hint = "write a value behind it, or remove the line"
        faults.append(Fault(path, "has no value (YAML reads it as null)", hint))
        return UNUSABLE
    if option.type == "list":
        return _check_list(value, option, path, faults)
    if option.type == "dict":
        return _check_mapping(value, option, path, faults)
    return _check_scalar(value, option, path, faults)


def _check_list(value: Any, option: Option, path: Path, faults: list[Fault]) -> Any:  # noqa: ANN401 - any value
    # Ansible would split a text at its commas, the role that loops over it would not.
    if not isinstance(value, (list, tuple)):
        faults.append(Fault(path, f"is no list but {_kind(value)}", _set_it(option, path)))
        return UNUSABLE
    element = Option(
        type=option.elements or "raw",
        choices=option.choices,
        options=option.options,
        secret=option.secret,
        constraints=option.constraints,
    )
    return [check_value(item, element, (*path, i), faults) for i, item in enumerate(value)]


def _check_mapping(value: Any, option: Option, path: Path, faults: list[Fault]) -> Any:  # noqa: ANN401 - any value
    if not isinstance(value, Mapping):
        faults.append(Fault(path, f"is no mapping but {_kind(value)}", _set_it(option, path)))
        return UNUSABLE
    if option.options is None:
        return dict(value)
    checked: dict[str, Any] = {}
    for key, item in value.items():
        known = option.options.get(key)
        if known is None:
            hint = did_you_mean(str(key), option.options)
            faults.append(Fault((*path, str(key)), "is not a key that exists here", hint))
        else:
            checked[key] = check_value(item, known, (*path, key), faults)
    for key, known in option.options.items():
        if known.required and key not in value:
            hint = f"add {key}: to {variable_name(path)}"
            faults.append(Fault((*path, key), "is missing", hint))
            checked[key] = UNUSABLE
    faults.extend(_broken_constraints(checked, option, path))
    return checked


def _broken_constraints(checked: Mapping[str, Any], option: Option, path: Path) -> Iterator[Fault]:
    if not option.constraints or not option.options:
        return
    # What each key holds was checked above; here only which keys stand together.
    untyped = {key: {"type": "raw"} for key in option.options}
    shown = {
        key: "(secret)" if option.options[key].secret else value for key, value in checked.items()
    }
    for message in (
        ArgumentSpecValidator(untyped, **option.constraints).validate(shown).error_messages
    ):
        yield Fault(path, f"does not go together: {message}", "give the keys that belong together")


def _check_scalar(value: Any, option: Option, path: Path, faults: list[Fault]) -> Any:  # noqa: ANN401 - any value
    if option.type == "raw":
        return value
    if option.type in ("str", "path") and not isinstance(value, str):
        # Ansible would turn these into text, but into another one than was written: NO becomes
        # "False", 0123 becomes "83" and 1.10 becomes "1.1".
        problem = f"is not text: YAML reads it as {_kind(value)}"
        faults.append(Fault(path, problem, "put it in quotes"))
        return UNUSABLE
    typed = {"value": {"type": option.type}}
    result = ArgumentSpecValidator(typed).validate({"value": value})
    # Python takes True for 1, a person who writes a port does not.
    if result.error_messages or (option.type in ("int", "float") and isinstance(value, bool)):
        problem = f"is not {_TYPES.get(option.type, option.type)} but {_kind(value)}"
        faults.append(Fault(path, problem, _set_it(option, path)))
        return UNUSABLE
    checked = result.validated_parameters["value"]
    if option.choices is not None and checked not in option.choices:
        faults.append(_not_a_choice(checked, option, path))
        return UNUSABLE
    return checked


def _not_a_choice(value: Any, option: Option, path: Path) -> Fault:  # noqa: ANN401 - any value
    choices = ", ".join(str(choice) for choice in option.choices or ())
    guess = closest(str(value), [str(choice) for choice in option.choices or ()])
    # Beside a secret a value is not shown: whoever mixes up two lines writes the secret there.
    shown = f"{value!r} " if len(path) == 1 and not option.secret else ""
    problem = f"{shown}is none of {choices}"
    return Fault(path, problem, f"did you mean {guess}?" if guess else "choose one of these")


def _unknown_variables(
    variables: Mapping[str, Any], specs: list[RoleSpec], options: Mapping[str, Option]
) -> Iterator[Fault]:
    prefixes = tuple(f"{spec.name}_" for spec in specs)
    for name in variables:
        if name.startswith(prefixes) and name not in options:
            # Of the same role if one is alike: proxy_port is rather proxy_http_port than
            # another role's.
            prefix = next(each for each in prefixes if name.startswith(each))
            alike = [each for each in options if each.startswith(prefix)]
            guess = closest(name, alike) or closest(name, options)
            hint = f"did you mean {guess}?" if guess else "remove it, or begin it with another word"
            yield Fault((name,), "is not a variable of any role", hint)


def _set_it(option: Option, path: Path) -> str:
    """Show the form that the value must have; by its default where that says something."""
    name = variable_name(path)
    if option.type in ("list", "dict"):
        return f"write {name} as {_TYPES[option.type]}"
    wanted = f"write {_TYPES.get(option.type, option.type)}"
    example = None if isinstance(option.default, bool) or option.secret else option.default
    if example is None or "{{" in str(example):
        return wanted
    return f"{wanted}, such as {example}"


def _kind(value: Any) -> str:  # noqa: ANN401 - any value
    """Name a value's type in a person's words, without the value."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text" if value else "an empty text"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    return f"a {type(value).__name__}"
