"""What a run changes, it changes before it locks the root: a change would unlock it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lint.project import ROOT, load_yaml
from lint.test_rollback import tasks_of

_IMPORT = "ansible.builtin.import_role"
# These change nothing; a command has to say so.
_LOOKS = {"ansible.builtin.debug", "ansible.builtin.fail", "ansible.builtin.uri"}
_COMMAND = "ansible.builtin.command"


def behind_the_lock() -> list[Mapping[str, Any]]:
    """Return the tasks of the roles that site.yml imports when the root is locked already."""
    (play,) = load_yaml(ROOT / "ansible/site.yml")
    imports = [task[_IMPORT] for task in play["tasks"] if _IMPORT in task]
    (lock,) = (at for at, each in enumerate(imports) if each.get("tasks_from") == "lock")
    files = [
        ROOT / "roles" / each["name"] / "tasks" / f"{each.get('tasks_from', 'main')}.yml"
        for each in imports[lock + 1 :]
    ]
    return [task for file in files for task in tasks_of(load_yaml(file))]


def test_behind_the_lock_a_run_only_looks_and_says_what_it_sees() -> None:
    tasks = behind_the_lock()
    assert tasks
    for task in tasks:
        (module,) = (key for key in task if key.startswith(("ansible.", "pvs_bridge.")))
        looks = module in _LOOKS or (module == _COMMAND and task.get("changed_when") is False)
        assert looks, task["name"]
