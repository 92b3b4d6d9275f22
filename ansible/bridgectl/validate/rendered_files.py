"""Render the files that the tasks of site.yml write.

The tasks are evaluated in their order, with the conditions, loops and variables of the roles. No
list of files exists here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.pvs_bridge.core.plugins.modules.managed_files import with_block, with_line
from bridgectl.validate.assumed_pi import assumed_facts
from bridgectl.validate.render_cache import RenderCache, Scope

_FACTS = "pvs_bridge.core.bridge_facts"
_FILES = "pvs_bridge.core.managed_files"
# The registered result of tasks that are not run: success without output.
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
class RenderedFile:
    """A file on the Pi.

    Attributes:
        text: its content; for files that the roles share with others, their part.
        validate: the command that checks it, with %s for its path; None if there is none.
        target: of a symbolic link; None for files.
    """

    text: str
    validate: str | None = None
    target: str | None = None


def rendered_files(
    tasks: Sequence[Any], variables: Mapping[str, Any], backend: str, cache: RenderCache
) -> dict[str, RenderedFile]:
    """Render all files of a bridge.

    Args:
        tasks: of the play, in their order.
        variables: of the bridge in the play.
        backend: its network backend.
        cache: values that were already rendered.

    Returns:
        the files by their paths on the Pi, in the order in which they are written.

    Raises:
        AnsibleError: a condition or a file cannot be rendered.
    """
    files: dict[str, RenderedFile] = {}
    known = dict(variables)
    for task in tasks:
        if task.action == _FACTS:
            known.update(dict.fromkeys(_registered(task), _facts(task, known, backend, cache)))
        elif task.action == _FILES:
            for scope in _scopes(task, known, cache):
                for entry in _entries(cache.render(task.args["files"], scope)):
                    _put(files, entry)
        for name in _registered(task):
            known.setdefault(name, _RESULT)
    return files


def _registered(task: Any) -> list[str]:  # noqa: ANN401 - a Task of Ansible's
    """Return the names that a task registers; a mapping since ansible-core 2.21."""
    return [task.register] if isinstance(task.register, str) else list(task.register or {})


def _facts(task: Any, known: Mapping[str, Any], backend: str, cache: RenderCache) -> dict[str, Any]:  # noqa: ANN401 - a Task of Ansible's
    scope = Scope(known, task.get_search_path())
    packages = cache.render(task.args.get("packages", []), scope)
    interfaces = [scope.plain(f"{role}_interface", cache) for role in ("pvs_link", "uplink")]
    return assumed_facts(backend, packages, interfaces)


def _scopes(task: Any, known: Mapping[str, Any], cache: RenderCache) -> Iterator[Scope]:  # noqa: ANN401 - a Task
    """Return the scopes of a task: one per iteration of its loop whose condition is true."""
    path = task.get_search_path()
    own = {**known, **task.get_vars(), "role_path": path[0]}
    iterations: list[dict[str, Any]] = [{}]
    without_loop = Scope(own, path)
    if task.loop is not None:
        loop = task.loop_control
        iterations = [
            {loop.loop_var or "item": item, **({loop.index_var: i} if loop.index_var else {})}
            for i, item in enumerate(cache.render(task.loop, without_loop))
        ]
    for each in iterations:
        scope = Scope({**own, **each}, path) if each else without_loop
        if all(cache.is_true(condition, scope) for condition in task.when):
            yield scope


def _entries(files: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - as rendered
    """Flatten nested lists of files."""
    for each in files:
        if isinstance(each, Mapping):
            yield each
        else:
            yield from _entries(each)


def _put(files: dict[str, RenderedFile], entry: Mapping[str, Any]) -> None:
    """Do what managed_files does on a Pi without these files."""
    state, path = entry.get("state", "file"), entry["dest"]
    if not path.startswith("/") or ".." in path.split("/"):
        raise AnsibleError(f"the path of a file must be absolute and without .., got {path!r}")
    if state == "file":
        files[path] = RenderedFile(entry["content"], validate=entry.get("validate") or None)
    elif state == "link":
        files[path] = RenderedFile("", target=entry["src"])
    elif state in _PARTS:
        file = files.setdefault(path, RenderedFile(""))
        file.text = _PARTS[state](file.text, {**_NO_PART, **entry})
