"""The action plugin of ``pvs_bridge.core.bridge_facts``; see the module of the same name."""

from __future__ import annotations

import getpass
import json
import socket
import uuid
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.pvs_bridge.core.plugins.modules import bridge_facts
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.contact import (
    Contact,
    Diagnosis,
    diagnose,
    unsupported,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.script import run_script


class ActionModule(ActionBase):
    """Makes the first contact with a host, and says plainly what is wrong with it."""

    TRANSFERS_FILES = False
    _supports_async = False
    _supports_check_mode = True

    def run(
        self,
        tmp: str | None = None,
        task_vars: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run the module.

        Args:
            tmp: not used, as in every action plugin of today.
            task_vars: the host's variables.

        Returns:
            the module's result; failed with problem and hint where there was no contact, or
            where the operating system is not supported.
        """
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        # Here too, so that a mistake in the play is not taken for one of the host.
        a_list = {"type": "list", "elements": "str", "default": []}
        _, arguments = self.validate_argument_spec(
            {
                "packages": a_list,
                "units": a_list,
                "watched": a_list,
                "inputs": {"type": "str"},
                "record": {"type": "bool", "default": False},
            }
        )
        arguments["check_mode"] = self._task.check_mode
        contact = self._contact(task_vars)
        try:
            done = run_script(self, contact.python, Path(bridge_facts.__file__), arguments)
        except AnsibleError as error:
            # Ansible would report most of these as UNREACHABLE, with ssh's words as they are.
            return _failed(contact, diagnose(contact, str(error)))
        try:
            result: dict[str, Any] = {"changed": False, **json.loads(done["stdout"])}
        except ValueError:
            # ssh's and sudo's own words last: of what says nothing known, the last line is shown.
            said = (done["stdout"], done["stderr"])
            return _failed(contact, diagnose(contact, "\n".join(each for each in said if each)))
        wrong = unsupported(result["bridge"]["os"])
        result["run"] = {
            "id": uuid.uuid4().hex,
            "controller": f"{getpass.getuser()}@{socket.gethostname()}",
        }
        return _failed(contact, wrong) if wrong else result

    def _contact(self, task_vars: dict[str, Any]) -> Contact:
        """Collect how the host is to be reached, as the connection plugin sees it."""
        host = str(task_vars.get("inventory_hostname", "this host"))
        port = self._option("port")
        user = self._option("remote_user")
        python = task_vars.get("ansible_python_interpreter", "")
        return Contact(
            host=host,
            address=str(self._option("host") or host),
            port=int(port) if port else None,
            user=str(user) if user else None,
            python=python if str(python).startswith("/") else Contact.python,
        )

    def _option(self, name: str) -> Any:  # noqa: ANN401 - any option
        """Return an option of the connection; None where this kind of connection has none."""
        try:
            return self._connection.get_option(name)
        except (AnsibleError, KeyError):
            return None


def _failed(contact: Contact, diagnosis: Diagnosis) -> dict[str, Any]:
    return {"changed": False, "failed": True, "msg": diagnosis.message(contact.host)}
