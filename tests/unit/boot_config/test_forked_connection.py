"""The connection by which a Pi provisions itself, compared with Ansible's own local connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from unit.boot_config.conftest import PROJECT

ANSIBLE = Path(sys.executable).with_name("ansible")
WHO_RUNS_ME = "tr '\\0' ' ' < /proc/$PPID/cmdline"


def ansible(*arguments: str, connection: str = "pvs_bridge.core.forked") -> str:
    """Run one module; return Ansible's output."""
    done = subprocess.run(
        [str(ANSIBLE), "pi", "--inventory=pi,", f"--extra-vars=ansible_connection={connection}",
         f"--extra-vars=ansible_python_interpreter={sys.executable}", *arguments],
        cwd=PROJECT, capture_output=True, text=True, check=False,
        env={**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip
    return done.stdout


def files(path: Path, **more: str) -> tuple[str, ...]:
    """Return the arguments that write one file."""
    wanted = {"files": [{"dest": str(path), "content": "text", **more}]}
    return ("-m", "pvs_bridge.core.managed_files", "-a", json.dumps(wanted))


def test_a_module_runs_in_ansible_s_own_process() -> None:
    asked = ("-m", "ansible.builtin.shell", "-a", WHO_RUNS_ME)
    assert f"{ANSIBLE} pi --inventory" in ansible(*asked)
    assert f"{ANSIBLE} pi --inventory" not in ansible(*asked, connection="local")


def test_a_module_changes_nothing_the_second_time(tmp_path: Path) -> None:
    wanted = files(tmp_path / "new")
    assert "CHANGED" in ansible(*wanted)
    assert (tmp_path / "new").read_text() == "text"
    assert "SUCCESS" in ansible(*wanted)


@pytest.mark.needs_system
def test_a_failed_module_returns_the_same_message_as_with_the_local_connection(
    tmp_path: Path,
) -> None:
    wanted = files(tmp_path / "new", validate="ls %s/none")
    said = ansible(*wanted)
    assert "was refused by ls, so nothing was changed" in said
    assert said == ansible(*wanted, connection="local")
    assert not list(tmp_path.iterdir())


def test_an_exception_in_a_module_is_a_failed_task(tmp_path: Path) -> None:
    # A folder is in the place of the file.
    (tmp_path / "new/inside").mkdir(parents=True)
    said = ansible(*files(tmp_path / "new"))
    assert "FAILED" in said
    assert "Is a directory" in said


def test_a_command_gets_its_input() -> None:
    change = {
        "id": "a1", "script": "[ -e /none ] || true", "interface": "wlan0", "timeout_seconds": 30,
    }  # fmt: skip
    said = ansible("-m", "pvs_bridge.core.commit_confirm", "-a", json.dumps(change))
    assert "/usr/local/bin/pvs-bridge" in said
    assert "not found" in said


def test_the_exit_status_and_output_of_a_command_are_returned() -> None:
    said = ansible("-m", "ansible.builtin.raw", "-a", "echo out; echo wrong >&2; exit 7")
    assert "rc=7" in said
    assert "out\nwrong" in said
