"""What the roles change of the network can be undone: it is watched, and armed before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

import pytest
from lint.project import ROOT, load_yaml

from pvs_bridge.rollback.snapshot import WATCHED

_ROLES = ("common", "pvs_link", "firewall", "sshd", "uplink", "routing")
_FILES = "pvs_bridge.core.managed_files"
# They would write without the rollback.
_OTHER_WRITERS = re.compile(
    r"(ansible\.\w+\.)?(assemble|blockinfile|copy|file|get_url|hostname|ini_file|lineinfile|replace"
    r"|sysctl|template|unarchive)"
)
# By task, why it arms nothing.
_UNARMED = {
    "Mask the other backend during its installation": (
        "installing takes longer than a change may wait, and what sleeps changes nothing"
    ),
    "Install the Wi-Fi guard": "it reconnects only networks that were configured before",
    "Remove the Wi-Fi guard": "the uplink is not Wi-Fi, so undoing it cannot need the guard",
    "Keep the name of one of several USB adapters": "it takes effect at the next start",
    "Let the only USB adapter have any name": "it takes effect at the next start",
    "Configure the mDNS responder": ("the address, which Ansible is connected to, does not change"),
}


@dataclass(frozen=True)
class Write:
    """A task that puts files in place.

    Attributes:
        name: the task's.
        armed: whether it arms the rollback.
        dests: where the files go, ``X`` for what only a description says.
    """

    name: str
    armed: bool
    dests: list[str]


def tasks_of(tree: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - YAML holds anything
    """Find every task, in blocks too."""
    for task in tree or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_of(task.get(part))


def all_tasks(roles: Iterable[str] = _ROLES) -> list[Mapping[str, Any]]:
    """Return the tasks and handlers of roles, by default of those that change the network."""
    files = [
        file
        for role in roles
        for folder in ("tasks", "handlers")
        for file in sorted((ROOT / "roles" / role / folder).glob("**/*.yml"))
    ]
    return [task for file in files for task in tasks_of(load_yaml(file))]


def variables(roles: Iterable[str] = _ROLES) -> dict[str, Any]:
    """Return what those roles write their paths with."""
    files = [ROOT / "roles" / role / "vars/main.yml" for role in roles]
    return {key: value for file in files if file.exists() for key, value in load_yaml(file).items()}


def dests(tree: Any, known: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401 - YAML holds anything
    """Find the paths in a task's ``files``, through the variables that it names."""
    if isinstance(tree, str):
        for name in re.findall(r"\b__\w+", tree):
            yield from dests(known.get(name), known)
    elif isinstance(tree, list):
        for item in tree:
            yield from dests(item, known)
    elif isinstance(tree, Mapping) and "dest" in tree:
        yield written(tree["dest"], known)
    elif isinstance(tree, Mapping):
        for item in tree.values():
            yield from dests(item, known)


def written(text: str, known: Mapping[str, Any]) -> str:
    """Put the variables' values into a text."""

    def value(match: re.Match[str]) -> str:
        found = known.get(match[1])
        return written(found, known) if isinstance(found, str) and "{%" not in found else "X"

    return re.sub(r"\{\{\s*(\w+)\s*\}\}", value, text)


def writes(roles: Iterable[str] = _ROLES) -> list[Write]:
    """Return the tasks that put files in place."""
    known = variables(roles)
    return [
        Write(task["name"], "rollback" in task[_FILES], list(dests(task[_FILES]["files"], known)))
        for task in all_tasks(roles)
        if _FILES in task
    ]


def is_watched(dest: str) -> bool:
    """Tell whether the rollback keeps a path."""
    path = PurePosixPath(dest.lstrip("/"))
    return any(
        fnmatchcase(str(each), pattern) for each in (path, *path.parents) for pattern in WATCHED
    )


def test_every_file_that_the_network_depends_on_is_put_there_under_the_rollback() -> None:
    unarmed = [each.name for each in writes() if not each.armed]
    assert sorted(unarmed) == sorted(_UNARMED)


def test_every_file_that_is_put_there_under_it_is_watched() -> None:
    found = [dest for each in writes() if each.armed for dest in each.dests]
    assert len(found) > 15
    assert [dest for dest in found if not is_watched(dest)] == []


def test_every_task_that_writes_says_where() -> None:
    assert [each.name for each in writes() if not each.dests] == []


def test_nothing_else_writes_files() -> None:
    others = [key for task in all_tasks() for key in task if _OTHER_WRITERS.fullmatch(key)]
    assert others == []


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/etc/NetworkManagerX", "/etc/resolv.conf", "/usr/etc/hosts"]
)
def test_what_is_not_watched_would_be_found(path: str) -> None:
    assert not is_watched(path)


def test_whatever_is_armed_is_confirmed_by_a_handler() -> None:
    """It would be undone after the run has ended well."""
    confirming = {
        task["listen"] for task in all_tasks() if "pvs_bridge.core.commit_confirm" in task
    }
    armed = [task for task in all_tasks() if "rollback" in task.get(_FILES, {})]
    assert armed
    for task in armed:
        notified = [task["notify"]] if isinstance(task["notify"], str) else task["notify"]
        assert confirming & set(notified), task["name"]


def test_a_run_of_some_tags_alone_ends_with_an_error_too_when_its_change_is_undone() -> None:
    """What --tags leaves out of a rescue makes it one that succeeds."""
    (play,) = load_yaml(ROOT / "ansible/site.yml")
    rescues = [task for task in tasks_of(play["tasks"]) if "rescue" in task]
    assert rescues
    for task in rescues:
        for each in task["rescue"]:
            assert each.get("tags") == ["always"], each["name"]
