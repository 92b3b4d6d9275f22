"""Judge a host's variables as a play has loaded them: render, check, say where each was written.

The one way to it, for the preflight of a live run and for ``make validate``.
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

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import Fault, Finding
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import (
    TaggedOrigins,
    origin_file,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rendering import (
    Omitted,
    Render,
    RenderError,
    render_all,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import RoleSpec, all_options
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.validation import validate

_ENVIRONMENT = re.compile(
    r"""\b(?:lookup|query|q)\(\s*["'](?:ansible\.builtin\.)?env["']\s*,\s*["'](?P<name>\w+)["']"""
)
# What ansible-core says without a vault's password, and not where it has one that does not fit.
_NOBODY_GAVE_ANY = "no vault secrets found"
_WORD = re.compile(r"\w+")
_UNDEFINED = re.compile(r"'(?P<name>[^']+)' is undefined")


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What is known about a host's variables.

    Attributes:
        findings: what is wrong with them.
        sealed: what could not be looked into. Where ``lenient`` was not asked for, each is a
            finding too.
        raw: those that the roles read, as written.
        rendered: the same, rendered; UNUSABLE where that failed.
        locate: where each was written.
    """

    findings: list[Finding]
    sealed: list[Fault]
    raw: Mapping[str, Any]
    rendered: Mapping[str, Any]
    locate: TaggedOrigins


def judge(
    variables: Mapping[str, Any],
    specs: Iterable[RoleSpec],
    templar: Any,  # noqa: ANN401 - Ansible's Templar, which carries no types
    lenient: bool = False,
    all_known: bool = True,
) -> Judgement:
    """Judge a host's variables.

    Args:
        variables: all that the play knows for the host, as written.
        specs: of the roles that will run, loaded with Ansible's own loader.
        templar: a Templar.
        lenient: whether what cannot be looked into is passed over instead of being a mistake.
        all_known: whether these are all variables; else one that seems to be missing may be among
            the others.
    """
    specs = list(specs)
    defaults = {name: value for spec in specs for name, value in spec.defaults.items()}
    # Variables may refer to defaults, which ansible-core itself adds only inside of the role.
    render = renderer(templar, {**defaults, **variables}, lenient, all_known)
    raw = of_interest(variables, specs)
    rendered, faults = render_all(raw, render)
    # A default that needs what is not known yet, such as a fact, is left out of the checks.
    rendered_defaults, unknown = render_all(defaults, render)
    for fault in unknown:
        rendered_defaults.pop(str(fault.path[0]), None)

    locate = TaggedOrigins(raw, rendered)
    sealed = [fault for fault in faults if fault.sealed]
    counted = [fault for fault in faults if not (lenient and fault.sealed)]
    findings = validate(rendered, specs, locate, rendered_defaults, counted)
    return Judgement(findings, sealed, raw, rendered, locate)


def of_interest(variables: Mapping[str, Any], specs: Iterable[RoleSpec]) -> dict[str, Any]:
    """Pick what the specs name or what looks as if it was meant to be.

    Leaves out the roles' own defaults, which ansible-core has mixed in for the roles of the play:
    they are not the inventory's mistakes.

    Args:
        variables: all that the play knows for the host.
        specs: of the roles that will run.
    """
    specs = list(specs)
    options = all_options(specs)
    prefixes = tuple(f"{spec.name}_" for spec in specs)
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
    """Return what renders one value.

    Args:
        templar: a Templar.
        variables: what a value may refer to.
        lenient: whether a value that comes out empty, because the environment lacks a variable, is
            sealed.
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
    """Say so where a value comes from environment variables that are not set here.

    Raises:
        RenderError: One of them is not set.
    """
    missing = sorted(environment_names(value, variables) - os.environ.keys())
    if missing:
        raise RenderError(
            f"comes from {missing[0]} of the environment, which is not set",
            f"set {missing[0]} in the environment",
            sealed=True,
        )


def environment_names(value: Any, variables: Mapping[str, Any]) -> set[str]:  # noqa: ANN401 - any value
    """Name the environment variables that a template asks for, itself or by other variables.

    Args:
        value: as written.
        variables: those that it may refer to, as written.
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


def _explain(error: AnsibleError, all_known: bool) -> RenderError:
    """Turn what rendering says into a problem and a hint.

    ansible-core's own words are not passed on: they may quote a value that is a secret.
    """
    text = str(error)
    if isinstance(error, AnsibleUndefinedVariable):
        match = _UNDEFINED.search(text)
        if match:
            name = match["name"]
            return RenderError(
                f"refers to {name}, which is undefined",
                f"define {name} in the inventory",
                sealed=not all_known,
            )
        return RenderError(
            "refers to an undefined key of a variable", "correct the name behind the dot"
        )
    if isinstance(error, AnsibleTemplateSyntaxError):
        return RenderError(
            "is no valid template",
            "correct what stands within {{ }}, or put !unsafe before a value that has braces "
            "of its own",
        )
    if "decrypt" in text.lower():
        return RenderError(
            "cannot be decrypted",
            "give the vault's password, such as by ARGS=--ask-vault-pass",
            sealed=_NOBODY_GAVE_ANY in text,
        )
    return RenderError(
        "cannot be rendered: a lookup, filter or test in it fails",
        "correct what stands within {{ }}; printed with ansible.builtin.debug it says why",
    )
