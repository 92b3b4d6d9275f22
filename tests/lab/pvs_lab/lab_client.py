"""A lab as tests use it: run a command on a host, unplug a cable, ask the simulator."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

from pvs_lab import enter, lifecycle
from pvs_lab.daemons import SIMULATOR_CONTROL_PORT
from pvs_lab.process import wait_until


class LabClient:
    """One lab that is up.

    Attributes:
        name: the lab's name.
    """

    def __init__(self, name: str) -> None:
        """Name the lab."""
        self.name = name

    def run(self, host: str, command: str, *, timeout_seconds: float = 60) -> tuple[int, str]:
        """Run a shell command on a host; its exit status, and what it printed, errors last."""
        done = enter.run(self.name, host, ["sh", "-c", command], timeout_seconds=timeout_seconds)
        return done.returncode, done.stdout + done.stderr

    def output(self, host: str, command: str) -> str:
        """Return what a shell command prints; it must succeed.

        Raises:
            AssertionError: it failed; what it printed is in the message.
        """
        status, printed = self.run(host, command)
        if status:
            raise AssertionError(f"{host}: {command}: status {status}\n{printed}")
        return printed

    def say(self, *words: str) -> None:
        """Send a command to the lab: unplug a cable, switch the PVS off."""
        lifecycle.command(self.name, *words)

    def simulator(self, path: str, change: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer of the PVS simulator's control port.

        Args:
            path: such as ``/_sim/stats``.
            change: sent by POST; without it the path is asked for by GET.
        """
        url = f"http://localhost:{SIMULATOR_CONTROL_PORT}{path}"
        body = "" if change is None else f"--data {shlex.quote(json.dumps(change))} "
        printed = self.output("pvs", f"curl --fail --silent {body}{url}")
        answer: dict[str, Any] = json.loads(printed)
        return answer

    def until(self, condition: Callable[[], bool], seconds: float = 30) -> bool:
        """Return whether a condition becomes true in time."""
        return wait_until(condition, seconds)
