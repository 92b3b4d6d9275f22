"""Render and check a host's variables as a play has loaded them.

Used by the preflight of a run, ``make validate``, ``make rehearse`` and the image builder.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import (
    AnsibleError,
    AnsibleTemplateSyntaxError,
    AnsibleUndefinedVariable,
    AnsibleValueOmittedError,
)

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue, IssueError
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import (
    TaggedOrigins,
    is_of_group,
    origin_file,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rendering import (
    Omitted,
    Render,
    RenderError,
    render_all,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules import connection
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import RoleSpec, all_options
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.validation import validate

_ENVIRONMENT = re.compile(
    r"""\b(?:lookup|query|q)\(\s*["'](?:ansible\.builtin\.)?env["']\s*,\s*["'](?P<name>\w+)["']"""
)
_WHOLE = re.compile(
    rf"""\{{\{{\s*(?:{_ENVIRONMENT.pattern}\s*\)|(?P<variable>[A-Za-z_]\w*))\s*\}}\}}""", re.ASCII
)
# ansible-core's message if there is no vault password; a wrong password has another message.
_NO_PASSWORD = "no vault secrets found"  # noqa: S105 - a message
_WORD = re.compile(r"\w+")
_UNDEFINED = re.compile(r"'(?P<name>[^']+)' is undefined")


@dataclasses.dataclass(frozen=True)
class CheckedVariables:
    """The result of checking a host's variables.

    Attributes:
        issues: what is wrong with them.
        unreadable: values that could not be read. Without ``lenient``, they are issues too.
        raw: the variables that the roles read, as written.
        rendered: the same, rendered; UNUSABLE if that failed.
        locate: finds where each was written.
        notes: variables of groups that may belong to roles of other projects.
    """

    issues: list[Issue]
    unreadable: list[Issue]
    raw: Mapping[str, Any]
    rendered: Mapping[str, Any]
    locate: TaggedOrigins
    notes: list[Issue]


def check_variables(
    variables: Mapping[str, Any],
    specs: Iterable[RoleSpec],
    templar: Any,  # noqa: ANN401 - Ansible's Templar, which has no types
    lenient: bool = False,
    all_known: bool = True,
) -> CheckedVariables:
    """Check a host's variables.

    Args:
        variables: all variables that the play has for the host, as written.
        specs: of the roles that will run, loaded with Ansible's own loader.
        templar: a Templar.
        lenient: whether values that cannot be read here are accepted.
        all_known: whether these are all variables. If not, an undefined variable may be in a file
            that could not be read.
    """
    specs = list(specs)
    defaults = {name: value for spec in specs for name, value in spec.defaults.items()}
    # Variables may refer to defaults, which ansible-core adds only within the role.
    render = renderer(templar, {**defaults, **variables}, lenient, all_known)
    raw = role_variables(variables, specs)
    rendered, issues = render_all(raw, render)
    # Defaults that need an unknown value, such as a fact, are not checked.
    rendered_defaults, unknown = render_all(defaults, render)
    for issue in unknown:
        rendered_defaults.pop(str(issue.location.path[0]), None)

    reached = {name: variables[name] for name in connection.VARIABLES if name in variables}
    rendered_reached, of_connection = render_all(reached, render)
    issues += of_connection

    locate = TaggedOrigins({**raw, **reached}, {**rendered, **rendered_reached})
    unreadable = [issue for issue in issues if issue.unreadable]
    counted = [issue for issue in issues if not (lenient and issue.unreadable)]
    everything = {**rendered, **rendered_reached}
    found = validate(everything, specs, locate, rendered_defaults, counted)
    notes = [each for each in found if each.foreign and is_of_group(each.location)]
    wrong = [each for each in found if each not in notes]
    return CheckedVariables(wrong, unreadable, raw, rendered, locate, notes)


def role_variables(variables: Mapping[str, Any], specs: Iterable[RoleSpec]) -> dict[str, Any]:
    """Select the variables of the specs, and unknown ones with the prefix of a role.

    Leaves out the roles' own defaults, which ansible-core mixes in for the roles of the play,
    because the inventory is not responsible for them.

    Args:
        variables: all variables that the play has for the host.
        specs: of the roles that will run.
    """
    specs = list(specs)
    options = all_options(specs)
    prefixes = tuple(prefix for spec in specs for prefix in spec.prefixes)
    defaults_files = {str(spec.defaults_file.resolve()) for spec in specs}
    return {
        name: value
        for name, value in variables.items()
        if (name in options or name.startswith(prefixes)) and not _is_from(value, defaults_files)
    }


def _is_from(value: Any, files: set[str]) -> bool:  # noqa: ANN401 - any value
    file = origin_file(value)
    return file is not None and str(file.resolve()) in files


def renderer(
    templar: Any,  # noqa: ANN401 - Ansible's Templar
    variables: Mapping[str, Any],
    lenient: bool = False,
    all_known: bool = True,
) -> Render:
    """Return a function that renders one value.

    Args:
        templar: a Templar.
        variables: the variables that a value may refer to.
        lenient: whether a value is unreadable if it is empty because an environment variable is
            not set.
        all_known: whether these are all variables.
    """
    templar = templar.copy_with_new_env(available_variables=variables)

    def render(value: Any) -> Any:  # noqa: ANN401 - any value
        try:
            rendered = templar.template(value)
        except AnsibleValueOmittedError as error:
            raise Omitted from error
        except AnsibleError as error:
            if lenient:
                _need_environment(value, variables)
            raise _explain(error, all_known) from error
        if lenient and rendered == "":
            _need_environment(value, variables)
        return rendered

    return render


def _need_environment(value: Any, variables: Mapping[str, Any]) -> None:  # noqa: ANN401 - any value
    """Check that the environment variables of a template are set.

    Raises:
        RenderError: one of them is not set.
    """
    missing = sorted(environment_names(value, variables) - os.environ.keys())
    if missing:
        raise RenderError(
            f"reads the environment variable {missing[0]}, which is not set",
            f"set {missing[0]} in the environment; make validate reads it only if the lookup is "
            "the whole value of a secret",
            unreadable=True,
        )


def environment_names(value: Any, variables: Mapping[str, Any]) -> set[str]:  # noqa: ANN401 - any value
    """Return the environment variables that a template reads, directly or by other variables.

    Args:
        value: as written.
        variables: the variables that it may refer to, as written.
    """
    names: set[str] = set()
    todo: list[Any] = [value]
    seen: set[str] = set()
    while todo:
        text = todo.pop()
        if isinstance(text, str) and "{{" in text:
            names |= {match["name"] for match in _ENVIRONMENT.finditer(text)}
            words = set(_WORD.findall(text)) - seen
            seen |= words
            todo += [variables[word] for word in words if word in variables]
    return names


def environment_lookup(value: Any, variables: Mapping[str, Any]) -> str | None:  # noqa: ANN401 - any value
    """Return the environment variable that is the whole of a value; None if there is none.

    Args:
        value: as written: the lookup alone, or a variable alone that is such a value.
        variables: the variables that it may refer to, as written.
    """
    seen: set[str] = set()
    while isinstance(value, str) and (match := _WHOLE.fullmatch(value.strip())):
        if match["name"]:
            return match["name"]
        if match["variable"] in seen:
            return None
        seen.add(match["variable"])
        value = variables.get(match["variable"])
    return None


def _explain(error: AnsibleError, all_known: bool) -> RenderError:
    """Convert a rendering error to a problem and a hint.

    ansible-core's message is not used, because it may quote the value of a secret.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, IssueError):
            return RenderError(cause.issue.problem, cause.issue.hint)
        cause = cause.__cause__
    text = str(error)
    if isinstance(error, AnsibleUndefinedVariable):
        match = _UNDEFINED.search(text)
        if match:
            name = match["name"]
            return RenderError(
                f"refers to {name}, which is undefined",
                f"define {name} in the inventory",
                unreadable=not all_known,
            )
        return RenderError(
            "refers to an undefined key of a variable", "correct the name after the dot"
        )
    if isinstance(error, AnsibleTemplateSyntaxError):
        return RenderError(
            "is not a valid template",
            "correct the text within {{ }}, or put !unsafe before a value that contains braces",
        )
    if "decrypt" in text.lower():
        return RenderError(
            "cannot be decrypted",
            "supply the vault password, for example with ARGS=--ask-vault-pass",
            unreadable=_NO_PASSWORD in text,
        )
    return RenderError(
        "cannot be rendered: a lookup, filter or test in it fails",
        "correct the text within {{ }}; ansible.builtin.debug shows the full error",
    )
