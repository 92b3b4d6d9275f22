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
    contact_of,
    diagnose,
    unsupported,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.script import run_script


class ActionModule(ActionBase):
    """Connects to a host for the first time, and explains a failure."""

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
            tmp: not used, as in every current action plugin.
            task_vars: the host's variables.

        Returns:
            the module's result; failed with problem and hint if the connection fails or the
            operating system is not supported.
        """
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        # Checked here too, so that an error in the play is not reported as an error of the host.
        a_list = {"type": "list", "elements": "str", "default": []}
        _, arguments = self.validate_argument_spec(
            {
                "packages": a_list,
                "units": a_list,
                "ports": {"type": "list", "elements": "dict", "default": []},
                "watched": a_list,
                "home_interface": {"type": "str", "default": ""},
                "pvs_network": {"type": "str", "default": ""},
                "inputs": {"type": "str"},
                "record": {"type": "bool", "default": False},
                "applied": {"type": "str"},
            }
        )
        arguments["check_mode"] = self._task.check_mode
        contact = contact_of(self, task_vars)
        try:
            done = run_script(self, contact.python, Path(bridge_facts.__file__), arguments)
        except AnsibleError as error:
            # Ansible would report most of these as UNREACHABLE, with ssh's messages unchanged.
            return _failed(contact, diagnose(contact, str(error)))
        try:
            result: dict[str, Any] = {"changed": False, **json.loads(done["stdout"])}
        except ValueError:
            # stderr comes last, because the last line of an unknown error is shown.
            said = (done["stdout"], done["stderr"])
            return _failed(contact, diagnose(contact, "\n".join(each for each in said if each)))
        wrong = unsupported(result["bridge"]["os"])
        result["run"] = {
            "id": uuid.uuid4().hex,
            "controller": f"{getpass.getuser()}@{socket.gethostname()}",
        }
        return _failed(contact, wrong) if wrong else result


def _failed(contact: Contact, issue: Issue) -> dict[str, Any]:
    return {"changed": False, "failed": True, "msg": f"{contact.host}: {issue.sentence}."}
