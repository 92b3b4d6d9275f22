"""A restart as it looks from outside: phase after phase, then a young uptime."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Phases = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class _Run:
    started: float
    seconds: float
    phases: Phases


class Power:
    """Whether the PVS is up, and since when. All times are real seconds."""

    def __init__(
        self, initial_uptime: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Be up since `initial_uptime` seconds."""
        self._monotonic = monotonic
        self._up_since = monotonic() - initial_uptime
        self._run: _Run | None = None

    def begin(self, seconds: float, phases: Phases) -> None:
        """Go down for `seconds`, divided among the phases by their weights."""
        self._run = _Run(self._monotonic(), seconds, phases)
        self._up_since = self._run.started + seconds

    def phase(self) -> str | None:
        """Return the phase of a restart under way (503, reset or silence); None when up."""
        if self._run is None:
            return None
        elapsed = self._monotonic() - self._run.started
        if elapsed >= self._run.seconds:
            self._run = None
            return None
        total = sum(weight for _, weight in self._run.phases)
        passed = 0.0
        for name, weight in self._run.phases:
            passed += weight / total * self._run.seconds
            if elapsed < passed:
                return name
        return self._run.phases[-1][0]

    def remaining(self) -> float:
        """Return how many seconds are left of a restart; 0 when up."""
        return max(0.0, self._up_since - self._monotonic())

    def uptime(self) -> float:
        """Return the seconds since the last start; 0 during a restart."""
        return max(0.0, self._monotonic() - self._up_since)
