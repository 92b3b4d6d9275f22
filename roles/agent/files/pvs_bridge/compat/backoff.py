"""A pause that grows with each attempt in vain."""

from __future__ import annotations

import time
from collections.abc import Callable


class Backoff:
    """Says when the next attempt may be made. The first one may be made at once."""

    def __init__(
        self,
        first_seconds: float,
        most_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without a pause; it doubles from the first to the longest."""
        self._first = first_seconds
        self._most = most_seconds
        self._clock = clock
        self._pause = first_seconds
        self._until: float | None = None

    @property
    def left_seconds(self) -> float:
        """How long until the next attempt; 0: now."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def spend(self) -> None:
        """Note an attempt: the next one has to wait, and the one after it longer."""
        self._until = self._clock() + self._pause
        self._pause = min(self._pause * 2, self._most)

    def reset(self) -> None:
        """Note that the last attempt was worth it."""
        self._pause = self._first
        self._until = None
