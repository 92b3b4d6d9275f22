"""Run the package's site.yml on this Pi."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.boot_config.playbook import inventory
from pvs_bridge.errors import IssueError

PROJECT = Path("/usr/share/pvs-bridge")
"""The copy of the project in the Debian package."""

LOG = Path("/var/log/pvs-bridge-setup.log")


def run(arguments: Sequence[str], file: Path, hostname: str = "") -> int:
    """Run the playbook. Its output goes to the terminal and to a log.

    The run goes on when the terminal is closed, because a changed network may end the SSH session
    in which it was started.

    Args:
        arguments: For ansible-playbook.
        file: The variables of the bridge.
        hostname: The Pi's name unless the variables have one; by default the present one.

    Returns:
        the exit status of ansible-playbook.

    Raises:
        IssueError: Ansible is missing.
        OSError: The log cannot be written.
    """
    if shutil.which("ansible-playbook") is None or not (PROJECT / "ansible/site.yml").exists():
        raise IssueError(
            "the Debian package pvs-bridge, with what it depends on, is not installed",
            "run sudo apt install ./pvs-bridge_*_all.deb",
        )
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with tempfile.TemporaryDirectory(prefix="pvs-bridge-setup-", dir="/run") as folder:
        hosts = Path(folder, "hosts.yml")
        name = hostname or socket.gethostname().partition(".")[0]
        hosts.write_text(inventory({"uplink_hostname": name}))
        process = subprocess.Popen(
            ["ansible-playbook", f"--inventory={hosts}", f"--extra-vars=@{file}", *arguments,
             "ansible/site.yml"],
            cwd=PROJECT,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
                "ANSIBLE_FORCE_COLOR": str(int(sys.stdout.isatty())),
                "ANSIBLE_HOME": folder,
                "ANSIBLE_LOCAL_TEMP": folder,
                "ANSIBLE_REMOTE_TMP": folder,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        _copy(process)
        return process.wait()


def _copy(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None  # noqa: S101 - for mypy
    with open(LOG, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as log:
        for line in process.stdout:
            log.write(line)
            log.flush()
            # The terminal may be gone.
            with contextlib.suppress(OSError):
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
