"""A pause that grows with each failed attempt."""

from __future__ import annotations

import time
from collections.abc import Callable


class Backoff:
    """Decides when the next attempt is allowed; the first one is allowed at once."""

    def __init__(
        self,
        first_seconds: float,
        longest_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without a pause; it doubles from the first to the longest."""
        self._first = first_seconds
        self._longest = longest_seconds
        self._clock = clock
        self._pause = first_seconds
        self._until: float | None = None

    @property
    def left_seconds(self) -> float:
        """Seconds until the next attempt is allowed; 0: now."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def spend(self) -> None:
        """Record an attempt: the next one has to wait, and the one after it longer."""
        self._until = self._clock() + self._pause
        self._pause = min(self._pause * 2, self._longest)

    def reset(self) -> None:
        """Record that the last attempt succeeded."""
        self._pause = self._first
        self._until = None
