"""Run ansible-playbook and show its progress: one line per role, with its time."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path

import yaml

PROGRAM = Path(sys.executable).with_name("ansible-playbook")

# As ansible-playbook prints them: TASK [pvs_link : Isolate the two networks] ****
_TASK = re.compile(r"^(?P<kind>TASK|RUNNING HANDLER) \[(?P<title>.*)\] \*+$", re.MULTILINE)
_CHANGED = re.compile(r"^changed: \[", re.MULTILINE)
_FAILED = re.compile(r"^(fatal|failed): \[", re.MULTILINE)
# The result of a host, in PLAY RECAP.
_RECAP = re.compile(
    r"\bok=\d+ +changed=(?P<changed>\d+) +unreachable=(?P<unreachable>\d+) +failed=(?P<failed>\d+)"
)
# The message of an unchanged task, in YAML.
_TOLD = re.compile(r"^ok: \[.*\] => *\n((?: {4}.*\n)+)", re.MULTILINE)
_HANDLERS = "changes take effect"
_MOST_LINES = 60

# Makes ansible-playbook name a task when it starts, not at its first result.
ENVIRONMENT = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "1"}


def play(command: list[str], folder: Path, environment: Mapping[str, str], log: Path) -> int:
    """Run a playbook and print one line per role.

    Args:
        command: ansible-playbook with its arguments, and what runs it.
        folder: to run it in.
        environment: for it.
        log: file for its output.

    Returns:
        its exit status.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 - for the type checker: PIPE was asked for
    step, since = "ansible starts", time.monotonic()
    with log.open("w") as output, process.stdout as said:
        for line in said:
            output.write(line)
            task = _TASK.match(line)
            if task and (found := _step_of(task)) not in ("", step):
                _print_step(step, time.monotonic() - since)
                step, since = found, time.monotonic()
    _print_step(step, time.monotonic() - since)
    return process.wait()


def _step_of(task: re.Match[str]) -> str:
    """Name the step that a task belongs to: its role, with two exceptions; else nothing."""
    if task["kind"] != "TASK":
        return _HANDLERS
    role, separator, name = task["title"].partition(" : ")
    return "install packages" if name == "Install packages" else role if separator else ""


def _print_step(step: str, seconds: float) -> None:
    print(f"  {step:20} {seconds:5.1f} s", flush=True)


def changed_count(said: str) -> int | None:
    """Return how many tasks have changed something, or None if the playbook has failed.

    Args:
        said: the output of ansible-playbook for one host.
    """
    counts = _RECAP.search(said)
    if counts is None or int(counts["unreachable"]) + int(counts["failed"]):
        return None
    return int(counts["changed"])


def changed_tasks(said: str) -> list[str]:
    """Name the tasks that have changed something, handlers included."""
    return [title for title, text in _tasks(said) if _CHANGED.search(text)]


def messages(said: str) -> list[str]:
    """Return the messages of the tasks of ``ansible.builtin.debug``."""
    found = (yaml.safe_load(textwrap.dedent(told[1])) for told in _TOLD.finditer(said))
    return [str(each["msg"]) for each in found if "msg" in each]


def telling_part(said: str) -> str:
    """Return the lines that say why a playbook has failed.

    Args:
        said: the output of ansible-playbook.
    """
    failed = [f"{title}\n{text.strip()}" for title, text in _tasks(said) if _FAILED.search(text)]
    lines = "\n".join(failed or [said]).splitlines()
    return "\n".join(lines[-_MOST_LINES:])


def _tasks(said: str) -> list[tuple[str, str]]:
    """Split the output of a playbook into its tasks: title and result."""
    heads = [*_TASK.finditer(said)]
    ends = [*(head.start() for head in heads), _end(said)][1:]
    return [(head["title"], said[head.end() : end]) for head, end in zip(heads, ends, strict=True)]


def _end(said: str) -> int:
    recap = said.rfind("\nPLAY RECAP ")
    return recap if recap >= 0 else len(said)
