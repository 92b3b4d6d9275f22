"""Run a program on one of a lab's hosts."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from pvs_lab import lifecycle, network
from pvs_lab.errors import LabError
from pvs_lab.paths import PACKAGE_ROOT, agent_socket
from pvs_lab.process import first_child

# The Pi must not inherit the controller's environment.
_BRIDGE_ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TERM": os.environ.get("TERM", "dumb"),
}


def command_on(name: str, host: str, command: list[str]) -> list[str]:
    """The command that runs a command on a host of a lab.

    Args:
        name: the lab's name.
        host: one of :data:`pvs_lab.network.HOSTS`. All but the bridge run programs of this
            machine's own file system, in the current folder.
        command: program and arguments.

    Raises:
        LabError: the lab is not up, no such host, or the bridge is off.
    """
    if host not in network.HOSTS:
        raise LabError(f"HOST={host!r} is not in the lab", f"use one of {', '.join(network.HOSTS)}")
    lab = lifecycle.describe(name)
    try:
        supervisor = first_child(lab.process.pid)
    except ProcessLookupError:
        raise lifecycle.not_ready(name) from None
    into_lab = ["nsenter", f"--target={supervisor}", "--mount", "--pid", "--uts", "--ipc"]
    if host != "bridge":
        return [*into_lab, f"--wdns={Path.cwd()}", "ip", "netns", "exec", host, *command]
    leader = lifecycle.command(name, "status")["bridge_leader"]
    if leader is None:
        raise LabError("the bridge is off", f"switch it on: make lab-power STATE=on LAB={name}")
    if lab.radio:
        into_bridge = ["env", f"PYTHONPATH={PACKAGE_ROOT}", sys.executable, "-m",
                       "pvs_lab.guest_agent", str(agent_socket(name))]  # fmt: skip
    else:
        into_bridge = [*into_lab, "nsenter", f"--target={leader}", "--all"]
    environment = [f"{key}={value}" for key, value in _BRIDGE_ENVIRONMENT.items()]
    return [*into_bridge, "/usr/bin/env", "-i", *environment, *command]


def run(
    name: str, host: str, command: list[str], *, timeout_seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command on a host of a lab and return what it printed.

    Args:
        name: the lab's name.
        host: where to run it.
        command: program and arguments.
        timeout_seconds: after which it is killed.

    Raises:
        LabError: as :func:`command_on`; or it ran too long, as on a guest that restarts.
    """
    try:
        return subprocess.run(
            command_on(name, host, command),
            capture_output=True, text=True, check=False, timeout=timeout_seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise LabError(
            f"{shlex.join(command)} on {host} of the lab '{name}' took more than "
            f"{timeout_seconds:g} s",
            "see whether the bridge restarts, or this machine is busy",
        ) from None
