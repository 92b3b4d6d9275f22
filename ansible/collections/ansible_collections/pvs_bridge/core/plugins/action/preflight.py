"""The action plugin of ``pvs_bridge.core.preflight``; see the module of the same name."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Iterator
from typing import Any

from ansible.constants import DEFAULT_ROLES_PATH
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.release import __version__

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import (
    check_variables,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import SpecError, load_role

# What the roles read of a host beside the variables of their specs.
_CONNECTION = (
    "inventory_hostname",
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_connection",
)
# The digest depends on secrets, and ansible-playbook -vvv shows it. The rounds make guessing slow.
_ROUNDS = 10_000


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
            the task's result: failed with one issue per line, or the digest of all inputs.
        """
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {"roles": {"type": "list", "elements": "str", "required": True}}
        )
        try:
            specs = [load_role(self._role(name), self._read) for name in arguments["roles"]]
        except SpecError as error:
            raise AnsibleActionFail(error.issue.sentence) from None

        checked = check_variables(task_vars, specs, self._templar)
        issues = checked.issues
        result["changed"] = False
        if checked.notes:
            result["warnings"] = [str(each) for each in checked.notes]
        if issues:
            count = "1 error" if len(issues) == 1 else f"{len(issues)} errors"
            heading = (
                f"{task_vars.get('inventory_hostname', 'this host')}: {count} in its variables"
            )
            result["failed"] = True
            result["msg"] = "\n".join([heading, *map(str, issues)])
            result["issues"] = [issue.as_dict() for issue in issues]
        else:
            connection = {name: task_vars[name] for name in _CONNECTION if name in task_vars}
            result["inputs"] = self._digest(
                {**checked.rendered, **self._templar.template(connection)}, arguments["roles"]
            )
        return result

    def _digest(self, variables: dict[str, Any], roles: list[str]) -> str:
        """Return one digest of a host's variables and of everything that is applied to it."""
        # The defaults of the roles are part of their files.
        digest = hashlib.sha256(json.dumps([__version__, variables], sort_keys=True).encode())
        basedir = pathlib.Path(self._loader.get_basedir())
        folders = {self._role(name).parent for name in roles} | {_COLLECTION}
        for file in sorted([*basedir.glob("*.yml"), *_files(folders)]):
            digest.update(f"{file} ".encode() + hashlib.sha256(file.read_bytes()).digest())
        salt = str(variables.get("inventory_hostname", "")).encode()
        return hashlib.pbkdf2_hmac("sha256", digest.digest(), salt, _ROUNDS).hex()

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


_COLLECTION = pathlib.Path(__file__).resolve().parents[2]


def _files(folders: set[pathlib.Path]) -> Iterator[pathlib.Path]:
    """Return the files of some folders, without bytecode and documentation."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix not in {".pyc", ".md", ".png"} and path.is_file():
                yield path
