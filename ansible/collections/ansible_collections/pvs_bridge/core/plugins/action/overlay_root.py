"""The action plugin of ``pvs_bridge.core.overlay_root``; see the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.overlay_root import set_locked


class ActionModule(ActionBase):
    """Locks or unlocks a host's root."""

    TRANSFERS_FILES = False
    _supports_async = False
    _supports_check_mode = True

    def run(
        self,
        tmp: str | None = None,
        task_vars: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Restart the host if its root is not in the wanted state.

        Args:
            tmp: not used, as in every current action plugin.
            task_vars: the host's variables.

        Returns:
            the task's result.
        """
        super().run(tmp, task_vars)
        spec = {"locked": {"type": "bool", "required": True}}
        _, arguments = self.validate_argument_spec(spec)
        return set_locked(self, task_vars or {}, locked=arguments["locked"])
