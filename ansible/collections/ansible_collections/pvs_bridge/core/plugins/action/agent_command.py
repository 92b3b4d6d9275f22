"""The action plugin of ``pvs_bridge.core.agent_command``; see the module of the same name."""

from __future__ import annotations

import shlex
from typing import Any

from ansible.plugins.action import ActionBase


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
            the task's result, failed where the command has failed.
        """
        super().run(tmp, task_vars or {})
        spec = {"argv": {"type": "list", "elements": "str", "required": True}}
        _, arguments = self.validate_argument_spec(spec)
        # Some input, because ssh would make a terminal without it, which mixes up the two outputs.
        done = self._low_level_execute_command(shlex.join(arguments["argv"]), in_data=b"\n")
        return {
            "changed": False,
            "failed": done["rc"] != 0,
            "rc": done["rc"],
            "stdout": done["stdout"],
            "stderr": done["stderr"],
        }
