"""The action plugin of ``pvs_bridge.core.preflight``; see the module of the same name."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.constants import DEFAULT_ROLES_PATH
from ansible.errors import (
    AnsibleActionFail,
    AnsibleError,
    AnsibleTemplateSyntaxError,
    AnsibleUndefinedVariable,
    AnsibleValueOmittedError,
)
from ansible.plugins.action import ActionBase

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
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import (
    RoleSpec,
    SpecError,
    all_options,
    load_role,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.validation import validate

_UNDEFINED = re.compile(r"'(?P<name>[^']+)' is undefined")


class ActionModule(ActionBase):
    """Checks a host's variables on the controller, without a connection to the host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_async = False

    def run(
        self,
        tmp: str | None = None,
        task_vars: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Validate the variables.

        Args:
            tmp: not used, as in every action plugin of today.
            task_vars: the host's variables.

        Returns:
            the task's result: failed with one finding a line, or nothing but ``changed: false``.
        """
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {"roles": {"type": "list", "elements": "str", "required": True}}
        )
        try:
            specs = [load_role(self._role(name), self._read) for name in arguments["roles"]]
        except SpecError as error:
            raise AnsibleActionFail(str(error)) from error

        defaults = {name: value for spec in specs for name, value in spec.defaults.items()}
        # Variables may refer to defaults, which ansible-core itself adds only inside of the role.
        render = self._renderer({**defaults, **task_vars})
        raw = _of_interest(task_vars, specs)
        rendered, faults = render_all(raw, render)
        # A default that needs what is not known yet, such as a fact, is left out of the checks.
        rendered_defaults, unknown = render_all(defaults, render)
        for fault in unknown:
            rendered_defaults.pop(str(fault.path[0]), None)

        locate = TaggedOrigins(raw, rendered)
        findings = validate(rendered, specs, locate, rendered_defaults, faults)
        result["changed"] = False
        if findings:
            count = "1 mistake" if len(findings) == 1 else f"{len(findings)} mistakes"
            heading = (
                f"{task_vars.get('inventory_hostname', 'this host')}: {count} in its variables"
            )
            result["failed"] = True
            result["msg"] = "\n".join([heading, *map(str, findings)])
        return result

    def _role(self, name: str) -> pathlib.Path:
        """Find a role where ansible-playbook finds it: beside the playbook, then by roles_path."""
        basedir = pathlib.Path(self._loader.get_basedir())
        folders = [basedir / "roles", *map(pathlib.Path, DEFAULT_ROLES_PATH), basedir]
        for folder in folders:
            if (folder / name).is_dir():
                return folder / name
        msg = (
            f"role {name} is in none of {', '.join(map(str, folders))}. Cure: correct its name in "
            "the option roles, or set roles_path in ansible.cfg"
        )
        raise SpecError(msg)

    def _read(self, file: pathlib.Path) -> Any:  # noqa: ANN401 - YAML holds anything
        """Read a role's file with the tags that let its templates be rendered."""
        return self._loader.load_from_file(str(file), trusted_as_template=True)

    def _renderer(self, variables: Mapping[str, Any]) -> Render:
        """Return a Render in the light of some variables."""
        templar = self._templar.copy_with_new_env(available_variables=variables)

        def render(value: Any) -> Any:  # noqa: ANN401 - any value
            try:
                return templar.template(value)
            except AnsibleValueOmittedError as error:
                raise Omitted from error
            except AnsibleError as error:
                raise _explain(error) from error

        return render


def _of_interest(task_vars: Mapping[str, Any], specs: Iterable[RoleSpec]) -> dict[str, Any]:
    """Pick what the specs name or what looks as if it was meant to be.

    Leaves out the roles' own defaults, which ansible-core has mixed in for the roles of the play:
    they are not the inventory's mistakes.
    """
    specs = list(specs)
    options = all_options(specs)
    prefixes = tuple(f"{spec.name}_" for spec in specs)
    defaults_files = {spec.defaults_file.resolve() for spec in specs}
    return {
        name: value
        for name, value in task_vars.items()
        if (name in options or name.startswith(prefixes)) and not _is_from(value, defaults_files)
    }


def _is_from(value: Any, files: set[pathlib.Path]) -> bool:  # noqa: ANN401 - any value
    file = origin_file(value)
    return file is not None and file.resolve() in files


def _explain(error: AnsibleError) -> RenderError:
    """Turn what rendering says into a problem and a cure.

    ansible-core's own words are not passed on: they may quote a value that is a secret.
    """
    text = str(error)
    if isinstance(error, AnsibleUndefinedVariable):
        match = _UNDEFINED.search(text)
        if match:
            name = match["name"]
            return RenderError(
                f"refers to {name}, which is undefined", f"define {name} in the inventory"
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
        )
    return RenderError(
        "cannot be rendered: a lookup, filter or test in it fails",
        "correct what stands within {{ }}; printed with ansible.builtin.debug it says why",
    )
