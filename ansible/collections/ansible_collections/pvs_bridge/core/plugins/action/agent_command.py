"""The action plugin of ``pvs_bridge.core.agent_command``; see the module of the same name."""

from __future__ import annotations

import shlex
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.contact import contact_of, diagnose


class ActionModule(ActionBase):
    """Runs the agent on a host, and changes nothing."""

    TRANSFERS_FILES = False
    _supports_async = False
    _supports_check_mode = True

    def run(
        self,
        tmp: str | None = None,
        task_vars: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run a command, in check mode too.

        Args:
            tmp: not used, as in every action plugin of today.
            task_vars: the host's variables.

        Returns:
            the task's result, failed where the command has failed. If the host cannot be reached,
            it has problem and hint.
        """
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        spec = {"argv": {"type": "list", "elements": "str", "required": True}}
        _, arguments = self.validate_argument_spec(spec)
        # Some input, because ssh would make a terminal without it, which mixes up the two outputs.
        try:
            done = self._low_level_execute_command(shlex.join(arguments["argv"]), in_data=b"\n")
        except AnsibleError as error:
            issue = diagnose(contact_of(self, task_vars), str(error))
            found = {"problem": issue.problem, "hint": issue.hint}
            return {"changed": False, "failed": True, "msg": issue.sentence, **found}
        return {
            "changed": False,
            "failed": done["rc"] != 0,
            "rc": done["rc"],
            "stdout": done["stdout"],
            "stderr": done["stderr"],
        }
