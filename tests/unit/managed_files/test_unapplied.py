"""The option unapplied: a run that ends before its handlers leaves them to the next run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from unit.managed_files.running import put

from ansible_collections.pvs_bridge.core.plugins.action import managed_files as action
from ansible_collections.pvs_bridge.core.plugins.modules import bridge_facts


class Host:
    """A host with one file, and the folder of its unapplied changes.

    Args:
        root: the root of its file system.
    """

    def __init__(self, root: Path) -> None:
        """Make the folder of the file."""
        self.root = root
        self.folder = root / bridge_facts._UNAPPLIED
        self.file = root / "etc/program.conf"
        self.file.parent.mkdir()

    def put(self, text: str, run: str, task: str = "a", *, check: bool = False) -> list[str]:
        """Run the module; return the paths that it reports as changed."""
        result = put(
            {"dest": str(self.file), "content": text},
            check=check, unapplied={"name": task, "run": run}, unapplied_folder=self.folder,
        )  # fmt: skip
        assert result["changed"] is bool(result["changed_files"])
        files: list[str] = result["changed_files"]
        return files


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_the_next_run_reports_the_change_again(host: Host) -> None:
    assert host.put("new\n", "run 1") == [str(host.file)]
    assert host.put("new\n", "run 2") == [str(host.file)]


def test_a_task_that_runs_twice_reports_a_change_once(host: Host) -> None:
    host.put("new\n", "run 1")
    assert host.put("new\n", "run 1") == []


def test_an_applied_change_is_not_reported_again(host: Host) -> None:
    host.put("new\n", "run 1")
    bridge_facts.forget_unapplied(host.root, "run 1")
    assert host.put("new\n", "run 2") == []


def test_a_run_does_not_count_the_changes_of_others_as_applied(host: Host) -> None:
    """A run with --tags does not reach all tasks."""
    host.put("new\n", "run 1", task="a")
    host.put("newer\n", "run 2", task="b")
    bridge_facts.forget_unapplied(host.root, "run 2")
    assert host.put("newer\n", "run 3", task="a") == [str(host.file)]
    assert host.put("newer\n", "run 3", task="b") == []


def test_check_mode_reports_it_and_keeps_it(host: Host) -> None:
    host.put("new\n", "run 1")
    assert host.put("new\n", "run 2", check=True) == [str(host.file)]
    assert host.put("new\n", "run 3") == [str(host.file)]


def test_check_mode_keeps_nothing(host: Host) -> None:
    host.put("new\n", "run 1", check=True)
    assert not host.folder.exists()


@pytest.mark.parametrize(
    ("handlers", "rollback", "kept"),
    [(["Restart it"], None, True), ([], None, False), (["Apply the network"], {"id": "a"}, False)],
)
def test_only_a_task_that_relies_on_handlers_alone_is_kept(
    handlers: list[str], rollback: dict[str, str] | None, kept: bool
) -> None:
    sent: dict[str, Any] = {}
    plugin = object.__new__(action.ActionModule)
    plugin._task = SimpleNamespace(
        args={"files": [], "run": "run 1", "rollback": rollback},
        notify=handlers,
        get_name=lambda: "proxy : Configure",
    )
    plugin._execute_module = lambda **call: sent.update(call["module_args"]) or {}
    plugin._put({})
    assert ("unapplied" in sent) is kept
