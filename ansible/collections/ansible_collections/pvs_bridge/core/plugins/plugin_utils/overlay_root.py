"""Lock or unlock the root file system of a host, which restarts it."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.utils.display import Display

PROGRAM = "/usr/local/bin/pvs-bridge overlay"

# Time for a Pi Zero, a file system check, and a router that is slow to assign an address.
_RESTART_SECONDS = 900
_NO_SUCH_PROGRAM = 127

_display = Display()


def set_locked(action: ActionBase, task_vars: dict[str, Any], *, locked: bool) -> dict[str, Any]:
    """Lock or unlock a host's root, and wait until the host has restarted.

    Args:
        action: the calling plugin.
        task_vars: the host's variables.
        locked: the wanted state.

    Returns:
        a task's result; not changed if the root is in the wanted state, or if the host does not
        have the program yet.
    """
    found = _status(action)
    if found is None or found["locked"] == locked:
        return {"changed": False, "rebooted": False}
    if action._task.check_mode:
        return {"changed": True, "rebooted": True}
    host = str(task_vars.get("inventory_hostname", "the host"))
    command = "lock" if locked else "unlock"
    # The connection pvs_bridge.core.forked is a subclass.
    if isinstance(action._connection, LocalConnection):
        return {
            "failed": True,
            "msg": f"{host}: the root must be {command}ed by a restart, which would end this run. "
            f"Hint: run sudo {PROGRAM} {command}, and run again after the restart",
        }
    _display.display(f"{host} restarts to {command} its root")
    reason = "" if locked else " --reason 'a run of the playbook'"
    result = _restart(action, task_vars, f"{PROGRAM} {command}{reason}")
    if result.get("failed"):
        return {**result, "msg": f"{host}: {result['msg']}"}
    if (_status(action) or {}).get("locked") != locked:
        return {
            "failed": True,
            "msg": f"{host} has restarted, but its root is not {command}ed. Hint: read "
            "/run/initramfs/overlayroot.log on the Pi; if the initramfs has no overlayroot, run "
            "sudo update-initramfs -u",
        }
    return {"changed": True, "rebooted": True}


def _status(action: ActionBase) -> dict[str, Any] | None:
    """Return the status of the root; None if the program is not installed."""
    done = action._low_level_execute_command(f"{PROGRAM} status --json")
    if done["rc"] == _NO_SUCH_PROGRAM:
        return None
    found: dict[str, Any] = json.loads(done["stdout"])
    return found


def _restart(action: ActionBase, task_vars: dict[str, Any], command: str) -> dict[str, Any]:
    """Run ansible.builtin.reboot with another command."""
    task = action._task.copy()
    task.args = {"reboot_command": command, "reboot_timeout": _RESTART_SECONDS}
    loader = action._shared_loader_obj.action_loader
    reboot = loader.get(
        "ansible.builtin.reboot",
        task=task,
        connection=action._connection,
        play_context=action._play_context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=action._shared_loader_obj,
    )
    result: dict[str, Any] = reboot.run(task_vars=task_vars)
    return result
