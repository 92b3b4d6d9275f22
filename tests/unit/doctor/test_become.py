"""Scripts run as root with the password of sudo, which the Pi never shows and never stores."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bridgectl.doctor.session import _SHELL

# What sudo does with -n and -S: without a password it fails; it reads one line, and no more.
SUDO = """#!/bin/bash
echo "$*" >> "{log}"
while [[ $1 == -* ]]; do
    case $1 in
        -n) {free} || exit 1 ;;
        -S) IFS= read -r typed; [ "$typed" = "correct horse" ] || exit 1 ;;
        -p) shift ;;
    esac
    shift
done
AS=root exec "$@"
"""
SCRIPT = 'echo "${AS:-pi} $1"\n'


@pytest.mark.parametrize(
    ("free", "password", "user"),
    [
        ("true", "", "root"),
        ("true", "correct horse", "root"),
        ("false", "correct horse", "root"),
        ("false", "wrong horse", "pi"),
        ("false", "", "pi"),
    ],
)
def test_a_script_runs_as_root_if_sudo_lets_it(
    tmp_path: Path, free: str, password: str, user: str
) -> None:
    log = tmp_path / "log"
    program = tmp_path / "sudo"
    program.write_text(SUDO.format(log=log, free=free))
    program.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", f"{_SHELL} argument"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        input=f"{password}\n{SCRIPT}",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == (f"{user} argument\n", 0), done.stderr
    assert "horse" not in log.read_text() + done.stdout + done.stderr
    # Nothing is kept for a later sudo.
    assert all("-k" in line for line in log.read_text().splitlines() if "-S" in line)
