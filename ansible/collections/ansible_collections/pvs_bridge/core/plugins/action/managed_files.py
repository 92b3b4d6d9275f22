"""The action plugin of ``pvs_bridge.core.managed_files``; see the module of the same name."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.overlay_root import set_locked

# Bytecode and documentation.
_NOT_SENT = frozenset({".md", ".png", ".pyc"})


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
        """Run the module; again with the texts of a tree's files where the host lacks them."""
        files = self._task.args["files"]
        trees = {each["dest"]: self._members(each) for each in files if each.get("state") == "tree"}
        result = self._run_module(task_vars, trees, set())
        missing = set(result.get("missing_content", []))
        result = self._run_module(task_vars, trees, missing) if missing else result
        result["digests"] = {dest: _digest(members) for dest, members in trees.items()}
        return result

    def _run_module(
        self, task_vars: dict[str, Any], trees: dict[str, list[dict[str, Any]]], send: set[str]
    ) -> dict[str, Any]:
        """Run the module with the texts of some files of the trees."""
        files = [
            {**entry, "members": _sent(entry["dest"], trees[entry["dest"]], send)}
            if entry.get("state") == "tree"
            else entry
            for entry in self._task.args["files"]
        ]
        arguments = {**self._task.args, "files": files}
        run = arguments.get("run")
        # A change with a rollback is undone unless its handlers confirm it.
        if run and self._task.notify and not arguments.get("rollback"):
            name = hashlib.sha256(self._task.get_name().encode()).hexdigest()[:16]
            arguments["unapplied"] = {"name": name, "run": run}
        result: dict[str, Any] = self._execute_module(
            module_name="pvs_bridge.core.managed_files",
            module_args=arguments,
            task_vars=task_vars,
        )
        return result

    def _members(self, entry: dict[str, Any]) -> list[dict[str, Any]]:
        """Read the files of a tree.

        Raises:
            AnsibleError: The folder is not there.
        """
        return tree(Path(self._find_needle("files", entry["src"])))


def tree(folder: Path) -> list[dict[str, Any]]:
    """Return the files that the state V(tree) copies, with their texts."""
    members = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in _NOT_SENT or not path.is_file():
            continue
        content = path.read_bytes()
        members.append(
            {
                "path": str(path.relative_to(folder)),
                "mode": "0755" if path.stat().st_mode & 0o100 else "0644",
                "sha256": hashlib.sha256(content).hexdigest(),
                "content": content.decode(),
            }
        )
    return members


def _sent(dest: str, members: list[dict[str, Any]], send: set[str]) -> list[dict[str, Any]]:
    """Return what the module gets of a tree: the texts only of the files that it needs."""
    return [
        each
        if f"{dest}/{each['path']}" in send
        else {key: value for key, value in each.items() if key != "content"}
        for each in members
    ]


def _digest(members: list[dict[str, Any]]) -> str:
    """Return one digest of all files of a tree."""
    text = "".join(f"{each['path']} {each['mode']} {each['sha256']}\n" for each in members)
    return hashlib.sha256(text.encode()).hexdigest()
