"""The action that locks a host's root, in real runs with a fake ssh.

The restarts are tested in a guest, by ``tests/nightly/radio/test_root.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pvs_lab.playbook import PROGRAM

_PROJECT = Path(__file__).resolve().parents[3]
_PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - pvs_bridge.core.overlay_root:
        locked: true
"""
# Answers the status command as a host does; everything else fails.
_SSH = """#!/bin/sh
case "$*" in
*"pvs-bridge overlay status --json"*) [ -e {status} ] || exit 127; cat {status} ;;
*) exit 1 ;;
esac
"""

Play = Callable[..., str]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run a play that locks the root; return its output with normalized white space."""

    def run(status: object, *arguments: str, before: tuple[str, ...] = ()) -> str:
        file, ssh = tmp_path / "status.json", tmp_path / "ssh"
        if status is not None:
            file.write_text(json.dumps(status))
        ssh.write_text(_SSH.format(status=file))
        ssh.chmod(0o755)
        (tmp_path / "play.yml").write_text(_PLAY)
        done = subprocess.run(
            [*before, PROGRAM, "--inventory=garage,", f"--extra-vars=ansible_ssh_executable={ssh}",
             *arguments, tmp_path / "play.yml"],
            cwd=_PROJECT,
            env={**os.environ, "ANSIBLE_CONFIG": str(_PROJECT / "ansible.cfg"),
                 "ANSIBLE_NOCOLOR": "1", "COLUMNS": "1000"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return " ".join((done.stdout + done.stderr).split())

    return run


def test_a_host_without_the_program_is_not_changed(play: Play) -> None:
    assert "ok=1 changed=0 unreachable=0 failed=0" in play(None)


def test_a_locked_root_needs_no_restart(play: Play) -> None:
    assert "ok=1 changed=0 unreachable=0 failed=0" in play({"locked": True})


def test_check_mode_reports_the_restart_without_doing_it(play: Play) -> None:
    assert "ok=1 changed=1 unreachable=0 failed=0" in play({"locked": False}, "--check")


@pytest.mark.needs_system
@pytest.mark.parametrize("connection", ["local", "pvs_bridge.core.forked"])
def test_a_local_run_names_the_command_and_does_not_restart(
    play: Play, tmp_path: Path, connection: str
) -> None:
    installed = tmp_path / "pvs-bridge"
    installed.write_text("#!/bin/sh\necho '{\"locked\": false}'\n")
    installed.chmod(0o755)
    # In a mount namespace, so that only this run sees the program.
    layers = f"lowerdir={tmp_path}:/usr/local/bin"
    there = f'mount -t overlay -o {layers} overlay /usr/local/bin && exec "$@"'
    printed = play(
        {}, f"--connection={connection}", before=("unshare", "--mount", "sh", "-c", there, "sh")
    )
    assert "Hint: run sudo /usr/local/bin/pvs-bridge overlay lock" in printed
    assert "failed=1" in printed
