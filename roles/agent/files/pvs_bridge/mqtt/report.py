"""What is wrong with the broker: once in the journal, and in a file for the monitor."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.errors import Issue
from pvs_bridge.text import duration

PATIENCE_SECONDS = 90.0
"""How long a broker that has worked may restart before that is an issue."""


class Report:
    """Reports each issue once until the broker works again."""

    def __init__(self, path: Path, log: Callable[[str], None], clock: Callable[[], float]) -> None:
        """Start without an issue.

        Args:
            path: The file for the monitor, in RAM.
            log: Writes to the journal.
            clock: Returns seconds.
        """
        self._path, self._log, self._clock = path, log, clock
        self._worked: float | None = None
        self._since: float | None = None
        self._told: set[str] = set()

    def works(self) -> None:
        """Note that the broker has every message."""
        now = self._clock()
        if self._since is not None and self._told:
            self._log(f"the broker works again after {duration(int(now - self._since))}")
        elif self._worked is None:
            self._log("connected to the broker")
        self._worked, self._since, self._told = now, None, set()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def failed(self, issue: Issue) -> None:
        """Note that the broker cannot be used."""
        now = self._clock()
        if self._since is None:
            self._since = now
        if self._worked is not None and now - self._since < PATIENCE_SECONDS:
            return
        with contextlib.suppress(OSError):
            values = {"problem": issue.problem, "hint": issue.hint}
            atomic.write(self._path, json.dumps(values).encode(), 0o644)
        if issue.problem not in self._told:
            self._told.add(issue.problem)
            self._log(str(issue))
