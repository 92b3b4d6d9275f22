"""Restart a host so that its root is locked, or is not, by the role appliance's own program."""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.utils.display import Display

PROGRAM = "/usr/local/bin/pvs-bridge overlay"

# A Pi Zero, a card that is checked, a router that gives no address at once.
_RESTART_SECONDS = 900
_NO_SUCH_PROGRAM = 127

_display = Display()


def set_locked(action: ActionBase, task_vars: dict[str, Any], *, locked: bool) -> dict[str, Any]:
    """Have a host's root locked or unlocked, and wait until the host is back.

    Args:
        action: the plugin that asks for it.
        task_vars: the host's variables.
        locked: what it is to be.

    Returns:
        a task's result; not changed where it is so already, or where nothing is there to lock it.
    """
    found = _status(action)
    if found is None or found["locked"] == locked:
        return {"changed": False, "rebooted": False}
    if action._task.check_mode:
        return {"changed": True, "rebooted": True}
    host = str(task_vars.get("inventory_hostname", "the host"))
    command = "lock" if locked else "unlock"
    # By its kind, for the card's connection is one under another name.
    if isinstance(action._connection, LocalConnection):
        return {
            "failed": True,
            "msg": f"{host}: its root has to be {command}ed by a restart, which would end this "
            f"run. Hint: sudo {PROGRAM} {command}; run again after the restart",
        }
    _display.display(f"{host} restarts, to {command} its root")
    reason = "" if locked else " --reason 'a run of the playbook'"
    result = _restart(action, task_vars, f"{PROGRAM} {command}{reason}")
    if result.get("failed"):
        return {**result, "msg": f"{host}: {result['msg']}"}
    if (_status(action) or {}).get("locked") != locked:
        return {
            "failed": True,
            "msg": f"{host} has restarted, but its root is not {command}ed. Hint: look into "
            "/run/initramfs/overlayroot.log on it; sudo update-initramfs -u makes an initramfs "
            "anew that lacks overlayroot",
        }
    return {"changed": True, "rebooted": True}


def _status(action: ActionBase) -> dict[str, Any] | None:
    """Ask the program; None where it is not installed."""
    done = action._low_level_execute_command(f"{PROGRAM} status --json")
    if done["rc"] == _NO_SUCH_PROGRAM:
        return None
    found: dict[str, Any] = json.loads(done["stdout"])
    return found


def _restart(action: ActionBase, task_vars: dict[str, Any], command: str) -> dict[str, Any]:
    """Run Ansible's own plugin that restarts a host, with another command."""
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
