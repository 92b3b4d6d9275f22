"""What ansible-playbook has said is understood."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pvs_lab import playbook

TASKS = [
    {"name": "Stay", "ansible.builtin.debug": {"msg": "first: 'one'\nsecond"}},
    {
        "name": "Change",
        "ansible.builtin.debug": {"msg": "x"},
        "changed_when": True,
        "notify": "Handle",
    },
    {"name": "Tell", "ansible.builtin.debug": {"msg": "a [word] => {of} " + "length " * 30}},
]
FAILING = [
    {"name": "Change first", "ansible.builtin.debug": {"msg": "x"}, "changed_when": True},
    {"name": "Break", "ansible.builtin.fail": {"msg": "the cause\nHint: none"}},
    {"name": "Never", "ansible.builtin.debug": {"msg": "never"}},
]


def said_by(tasks: list[Any], folder: Path) -> tuple[int, str]:
    """Run tasks here and return the exit status and all that was said."""
    handler = {"name": "Handle", "ansible.builtin.debug": {"msg": "y"}, "changed_when": True}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False,
            "tasks": tasks, "handlers": [handler]}  # fmt: skip
    file = folder / "site.yml"
    file.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
    command = [str(playbook.PROGRAM), "--inventory=localhost,", str(file)]
    status = playbook.play(command, folder, environment, folder / "log")
    return status, (folder / "log").read_text(encoding="utf-8")


def test_what_has_changed_is_counted_and_named(tmp_path: Path) -> None:
    status, said = said_by(TASKS, tmp_path)
    assert status == 0
    assert playbook.changed_count(said) == 2
    assert playbook.changed_tasks(said) == ["Change", "Handle"]


def test_what_debug_tells_is_told_on(tmp_path: Path) -> None:
    first, tell = playbook.messages(said_by(TASKS, tmp_path)[1])
    assert first == "first: 'one'\nsecond"
    assert tell == "a [word] => {of} " + "length " * 30


def test_a_failure_is_shown_with_its_task_and_nothing_else(tmp_path: Path) -> None:
    status, said = said_by(FAILING, tmp_path)
    assert status != 0
    assert playbook.changed_count(said) is None
    lines = playbook.telling_part(said).splitlines()
    assert lines[0] == "Break"
    assert "the cause" in "\n".join(lines)
    assert not [line for line in lines if "Change first" in line or "RECAP" in line]


@pytest.mark.parametrize("said", ["", "ERROR! the playbook could not be found\n"])
def test_words_without_a_task_are_shown_as_they_are(said: str) -> None:
    assert playbook.telling_part(said) == said.strip()
    assert playbook.changed_count(said) is None


def test_steps_are_printed_by_role(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "ansible-playbook"
    lines = ["TASK [bridge : Look] ****", "TASK [Gather] ****", "TASK [proxy : Install packages] *",
             "RUNNING HANDLER [proxy : Restart] ***", "TASK [proxy : Go on] ***"]  # fmt: skip
    script.write_text("\n".join(f"print({line!r})" for line in lines))
    playbook.play([sys.executable, str(script)], tmp_path, dict(os.environ), tmp_path / "log")
    printed = [line.rpartition("  ")[0].strip() for line in capsys.readouterr().out.splitlines()]
    assert printed == ["ansible starts", "bridge", "install packages", "changes take effect",
                       "proxy"]  # fmt: skip
