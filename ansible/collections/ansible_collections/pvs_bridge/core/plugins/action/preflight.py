"""The action plugin of ``pvs_bridge.core.preflight``; see the module of the same name."""

from __future__ import annotations

import pathlib
from typing import Any

from ansible.constants import DEFAULT_ROLES_PATH
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import (
    check_variables,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import SpecError, load_role


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
            tmp: not used, as in every current action plugin.
            task_vars: the host's variables.

        Returns:
            the task's result; failed with one issue per line if there are any.
        """
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {"roles": {"type": "list", "elements": "str", "required": True}}
        )
        try:
            specs = [load_role(self._role(name), self._read) for name in arguments["roles"]]
        except SpecError as error:
            raise AnsibleActionFail(error.issue.sentence) from error

        issues = check_variables(task_vars, specs, self._templar).issues
        result["changed"] = False
        if issues:
            count = "1 error" if len(issues) == 1 else f"{len(issues)} errors"
            heading = (
                f"{task_vars.get('inventory_hostname', 'this host')}: {count} in its variables"
            )
            result["failed"] = True
            result["msg"] = "\n".join([heading, *map(str, issues)])
            result["issues"] = [issue.as_dict() for issue in issues]
        return result

    def _role(self, name: str) -> pathlib.Path:
        """Find a role as ansible-playbook does: beside the playbook, then by roles_path."""
        basedir = pathlib.Path(self._loader.get_basedir())
        folders = [basedir / "roles", *map(pathlib.Path, DEFAULT_ROLES_PATH), basedir]
        for folder in folders:
            if (folder / name).is_dir():
                return folder / name
        raise SpecError(
            f"role {name} must be in one of: {', '.join(map(str, folders))}",
            "correct its name in the option roles, or set roles_path in ansible.cfg",
        )

    def _read(self, file: pathlib.Path) -> Any:  # noqa: ANN401 - any YAML
        """Read a role's file; its templates can be rendered later."""
        return self._loader.load_from_file(str(file), trusted_as_template=True)
