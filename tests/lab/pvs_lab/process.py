"""Processes, identified by PID and start time, because PIDs are reused."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Process:
    """One process of this machine.

    Attributes:
        pid: its number.
        started_ticks: clock ticks from boot to its start, as /proc/PID/stat's field 22.
    """

    pid: int
    started_ticks: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """Describe a process that lives.

        Raises:
            ProcessLookupError: there is no such process.
        """
        started = _started_ticks(pid)
        if started is None:
            raise ProcessLookupError(pid)
        return cls(pid, started)

    def alive(self) -> bool:
        """Return whether it still runs: not another process with its PID, and not a zombie."""
        return _started_ticks(self.pid) == self.started_ticks


def _started_ticks(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the name, may hold spaces and parentheses; the rest cannot.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def first_child(pid: int) -> int:
    """Number of the first child of a process.

    Raises:
        ProcessLookupError: the process or its child has ended.
    """
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        children = []
    if not children:
        raise ProcessLookupError(pid)
    return int(children[0])


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Poll a condition.

    Args:
        condition: the function to call.
        timeout_seconds: how long at most.

    Returns:
        whether the condition became true in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
