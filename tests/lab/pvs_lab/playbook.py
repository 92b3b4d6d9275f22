"""ansible-playbook, shown as it goes: one line per role, with its time."""

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
# PLAY RECAP: what became of a host.
_RECAP = re.compile(
    r"\bok=\d+ +changed=(?P<changed>\d+) +unreachable=(?P<unreachable>\d+) +failed=(?P<failed>\d+)"
)
# What a task tells without having changed anything, in YAML.
_TOLD = re.compile(r"^ok: \[.*\] => *\n((?: {4}.*\n)+)", re.MULTILINE)
_HANDLERS = "changes take effect"
_MOST_LINES = 60

# Has a task named when it begins; otherwise it is named when its first result is there.
ENVIRONMENT = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "1"}


def play(command: list[str], folder: Path, environment: Mapping[str, str], log: Path) -> int:
    """Run a playbook and print one line per role.

    Args:
        command: ansible-playbook with its arguments, and what runs it.
        folder: to run it in.
        environment: for it.
        log: file for all that it says.

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
    """Return how many tasks have changed something; None where a playbook has failed.

    Args:
        said: all that ansible-playbook has said about one host.
    """
    counts = _RECAP.search(said)
    if counts is None or int(counts["unreachable"]) + int(counts["failed"]):
        return None
    return int(counts["changed"])


def changed_tasks(said: str) -> list[str]:
    """Name the tasks that have changed something, handlers included."""
    return [title for title, text in _tasks(said) if _CHANGED.search(text)]


def messages(said: str) -> list[str]:
    """Return what the tasks of ``ansible.builtin.debug`` have told."""
    found = (yaml.safe_load(textwrap.dedent(told[1])) for told in _TOLD.finditer(said))
    return [str(each["msg"]) for each in found if "msg" in each]


def telling_part(said: str) -> str:
    """Return the lines that say why a playbook has failed.

    Args:
        said: all that ansible-playbook has said.
    """
    failed = [f"{title}\n{text.strip()}" for title, text in _tasks(said) if _FAILED.search(text)]
    lines = "\n".join(failed or [said]).splitlines()
    return "\n".join(lines[-_MOST_LINES:])


def _tasks(said: str) -> list[tuple[str, str]]:
    """Split what a playbook has said into its tasks: title, and what came of it."""
    heads = [*_TASK.finditer(said)]
    ends = [*(head.start() for head in heads), _end(said)][1:]
    return [(head["title"], said[head.end() : end]) for head, end in zip(heads, ends, strict=True)]


def _end(said: str) -> int:
    recap = said.rfind("\nPLAY RECAP ")
    return recap if recap >= 0 else len(said)
