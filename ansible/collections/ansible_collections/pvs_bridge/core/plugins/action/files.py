"""The action plugin of ``pvs_bridge.core.files``; see the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.root_lock import set_locked


class ActionModule(ActionBase):
    """Puts files in place, on a host whose root keeps them."""

    TRANSFERS_FILES = False
    _supports_async = False
    _supports_check_mode = True

    def run(
        self,
        tmp: str | None = None,
        task_vars: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run the module; again behind a restart where a locked root has kept it from its work.

        Args:
            tmp: not used, as in every action plugin of today.
            task_vars: the host's variables.

        Returns:
            the module's result.
        """
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        result = self._put(task_vars)
        if not result.get("locked"):
            return result
        unlocked = set_locked(self, task_vars, locked=False)
        return unlocked if unlocked.get("failed") else self._put(task_vars)

    def _put(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_name="pvs_bridge.core.files",
            module_args=self._task.args,
            task_vars=task_vars,
        )
        return result
