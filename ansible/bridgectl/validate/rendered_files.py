"""The roles' own tasks, as far as they write files.

What site.yml does is walked through in its order; every condition, loop and variable is the
role's. Nothing else is known here of which files there are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.modules.managed_files import with_block, with_line
from bridgectl.validate.assumed_pi import found_on
from bridgectl.validate.render_cache import Memory, Scope

_FACTS = "pvs_bridge.core.bridge_facts"
_FILES = "pvs_bridge.core.managed_files"
# What a task that is not run would have registered: it went well, and had nothing to say.
_RESULT = {
    "changed": False,
    "failed": False,
    "skipped": False,
    "rc": 0,
    "stdout": "",
    "stdout_lines": [],
    "changed_files": [],
}
_PARTS = {"block": with_block, "line": with_line}
_NO_PART = {"retire_from": None, "retire_until": None}


@dataclasses.dataclass
class Written:
    """A file as it will be on the Pi.

    Attributes:
        text: what it says. Of a file that is not the roles' alone, their part.
        validate: the command that judges it, with %s for its path; None where there is none.
        leads_to: for a symbolic link, where it leads to.
    """

    text: str
    validate: str | None = None
    leads_to: str | None = None


def written_files(
    tasks: Sequence[Any], variables: Mapping[str, Any], backend: str, memory: Memory
) -> dict[str, Written]:
    """Render every file that a bridge gets.

    Args:
        tasks: those of the play, in their order.
        variables: what the play knows for the bridge.
        backend: what configures its network.
        memory: what was rendered before.

    Returns:
        the files by their paths on the Pi, in the order in which they are written.

    Raises:
        AnsibleError: A task's condition, or a file, cannot be rendered.
    """
    files: dict[str, Written] = {}
    known = dict(variables)
    for task in tasks:
        if task.action == _FACTS:
            known.update(dict.fromkeys(_registered(task), _look(task, known, backend, memory)))
        elif task.action == _FILES:
            for scope in _scopes(task, known, memory):
                for entry in _entries(memory.render(task.args["files"], scope)):
                    _put(files, entry)
        for name in _registered(task):
            known.setdefault(name, _RESULT)
    return files


def _registered(task: Any) -> list[str]:  # noqa: ANN401 - a Task of Ansible's
    """Name what a task registers: one name, or a mapping of names since ansible-core 2.21."""
    return [task.register] if isinstance(task.register, str) else list(task.register or {})


def _look(task: Any, known: Mapping[str, Any], backend: str, memory: Memory) -> dict[str, Any]:  # noqa: ANN401 - a Task of Ansible's
    scope = Scope(known, task.get_search_path())
    packages = memory.render(task.args.get("packages", []), scope)
    interfaces = [scope.plain(f"{role}_interface", memory) for role in ("pvs_link", "uplink")]
    return found_on(backend, packages, interfaces)


def _scopes(task: Any, known: Mapping[str, Any], memory: Memory) -> Iterator[Scope]:  # noqa: ANN401 - a Task
    """Return what a task sees, in each round of its loop in which its condition holds."""
    path = task.get_search_path()
    own = {**known, **task.get_vars(), "role_path": path[0]}
    rounds: list[dict[str, Any]] = [{}]
    outside = Scope(own, path)
    if task.loop is not None:
        loop = task.loop_control
        rounds = [
            {loop.loop_var or "item": item, **({loop.index_var: i} if loop.index_var else {})}
            for i, item in enumerate(memory.render(task.loop, outside))
        ]
    for each in rounds:
        scope = Scope({**own, **each}, path) if each else outside
        if all(memory.holds(condition, scope) for condition in task.when):
            yield scope


def _entries(files: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - as rendered
    """Make one list of what may be lists within lists."""
    for each in files:
        if isinstance(each, Mapping):
            yield each
        else:
            yield from _entries(each)


def _put(files: dict[str, Written], entry: Mapping[str, Any]) -> None:
    """Do what the module does on the Pi, to files that are not there yet."""
    state, path = entry.get("state", "file"), entry["dest"]
    if state == "file":
        files[path] = Written(entry["content"], validate=entry.get("validate") or None)
    elif state == "link":
        files[path] = Written("", leads_to=entry["src"])
    elif state in _PARTS:
        file = files.setdefault(path, Written(""))
        file.text = _PARTS[state](file.text, {**_NO_PART, **entry})
