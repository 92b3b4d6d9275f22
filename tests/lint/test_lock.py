"""What a run changes, it changes before it locks the root: a change would unlock it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lint.project import ROOT, load_yaml
from lint.test_rollback import tasks_of

_ROLES = ("ansible.builtin.import_role", "ansible.builtin.include_role")
_FILES = ("ansible.builtin.import_tasks", "ansible.builtin.include_tasks")
# These change nothing; a command has to say so.
_LOOKS = {
    "ansible.builtin.debug",
    "ansible.builtin.fail",
    "pvs_bridge.core.agent_command",
    "pvs_bridge.core.bridge_facts",
    "pvs_bridge.core.http_get",
}
_COMMAND = "ansible.builtin.command"


def expanded(tasks: list[Mapping[str, Any]], role: str = "") -> list[Mapping[str, Any]]:
    """Return tasks with those of other files in the place of what brings them in."""
    found: list[Mapping[str, Any]] = []
    for task in tasks_of(tasks):
        other = next((task[key] for key in _ROLES if key in task), None)
        file = next((task[key] for key in _FILES if key in task), None)
        if other is not None:
            name = f"{other.get('tasks_from', 'main')}.yml"
            found += expanded(_tasks(other["name"], name), other["name"])
        elif file is not None:
            found += expanded(_tasks(role, file), role)
        else:
            found.append(task)
    return found


def _tasks(role: str, file: str) -> list[Mapping[str, Any]]:
    tasks: list[Mapping[str, Any]] = load_yaml(ROOT / "roles" / role / "tasks" / file)
    return tasks


def behind_the_lock() -> list[Mapping[str, Any]]:
    """Return the tasks of site.yml that are run when the root is locked already."""
    (play,) = load_yaml(ROOT / "ansible/site.yml")
    (lock,) = (
        at
        for at, task in enumerate(play["tasks"])
        if any(task.get(key, {}).get("tasks_from") == "lock" for key in _ROLES)
    )
    return expanded(play["tasks"][lock + 1 :])


def test_behind_the_lock_a_run_only_looks_and_says_what_it_sees() -> None:
    tasks = behind_the_lock()
    assert tasks
    for task in tasks:
        (module,) = (key for key in task if key.startswith(("ansible.", "pvs_bridge.")))
        looks = module in _LOOKS or (module == _COMMAND and task.get("changed_when") is False)
        assert looks, task["name"]
