"""Logins into a lab: SSH to the Pi by key, Ansible to the client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pvs_lab.errors import LabError
from pvs_lab.paths import PACKAGE_ROOT, lab_dir
from pvs_lab.process import wait_until

_BOOT_TIMEOUT_SECONDS = 90
# QEMU emulates every instruction of a guest, perhaps beside another guest.
_RADIO_BOOT_TIMEOUT_SECONDS = 600
_ATTEMPT_TIMEOUT_SECONDS = 20


def prepare(name: str, root: Path | None) -> None:
    """Create the controller's key and the configuration for ssh and Ansible.

    Args:
        name: the lab's name.
        root: the file system with the Pi's host key; None if the Pi creates one itself.
    """
    state = lab_dir(name)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {name}",
         "-f", str(state / "ssh_key")],
        check=True,
    )  # fmt: skip
    known_hosts = state / "known_hosts"
    if root is not None:
        host_key = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
        known_hosts.write_text(f"bridge {' '.join(host_key)}\n")
    on_client = (
        f"env PYTHONPATH={PACKAGE_ROOT} {sys.executable} -m pvs_lab exec --lab {name} client"
    )
    (state / "ssh_config").write_text(
        "Host *\n"
        "  User pi\n"
        f"  IdentityFile {state}/ssh_key\n"
        "  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {known_hosts}\n"
        "  HostKeyAlias bridge\n"
        f"  StrictHostKeyChecking {'accept-new' if root is None else 'yes'}\n"
        "  BatchMode yes\n"
        f"  ProxyCommand {on_client} socat STDIO TCP:%h:%p,connect-timeout=10\n"
    )
    # For Ansible, as the interpreter of a host that lives in the home network.
    interpreter = state / "client-python"
    interpreter.write_text(f'#!/bin/sh\nexec {on_client} {sys.executable} "$@"\n')
    interpreter.chmod(0o755)


def ssh_command(name: str, *command: str) -> list[str]:
    """The command that runs a command on a lab's Pi as its user pi."""
    return ["ssh", "-F", str(lab_dir(name) / "ssh_config"), "bridge", *command]


def wait_for(name: str, *, radio: bool = False) -> None:
    """Wait until the Pi has booted and can be logged into.

    Args:
        name: the lab's name.
        radio: whether its Pi has a radio, which boots slowly.

    Raises:
        LabError: it takes too long; the console's last lines are in the message.
    """
    attempt = ssh_command(name, "true")

    def can_log_in() -> bool:
        try:
            done = subprocess.run(
                attempt,
                check=False,
                # Without pipes, because a proxy command that outlives ssh would keep them open.
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_ATTEMPT_TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    timeout_seconds = _RADIO_BOOT_TIMEOUT_SECONDS if radio else _BOOT_TIMEOUT_SECONDS
    if not wait_until(can_log_in, timeout_seconds):
        console = (lab_dir(name) / "log/bridge.log").read_text(errors="replace")
        raise LabError(
            f"the lab's Pi could not be logged into within {timeout_seconds} s\n{console[-2000:]}",
            "the console above says how far it came",
        )
