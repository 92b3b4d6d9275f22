"""The action plugin of ``pvs_bridge.core.http_get``; see the module of the same name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pvs_bridge.core.plugins.modules import http_get
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.script import run_script

_PYTHON = "/usr/bin/python3"


class ActionModule(ActionBase):
    """Asks for one URL from a host."""

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
            the module's result, failed where the status is not 200.
        """
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {
                "url": {"type": "str", "required": True},
                "timeout": {"type": "int", "default": 30},
                "username": {"type": "str", "default": ""},
                "password": {"type": "str", "default": "", "no_log": True},
            }
        )
        done = run_script(self, self._python(task_vars), Path(http_get.__file__), arguments)
        try:
            result: dict[str, Any] = json.loads(done["stdout"])
        except ValueError:
            result = {"status": -1, "msg": (done["stderr"] or done["stdout"]).strip()}
        return {"changed": False, "failed": result["status"] != 200, **result}

    def _python(self, task_vars: dict[str, Any]) -> str:
        """Return the interpreter of the host that the task is delegated to, or of its own."""
        of_host = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, task_vars)
        python = self._templar.template(of_host.get("ansible_python_interpreter", _PYTHON))
        return str(python) if str(python).startswith("/") else _PYTHON
