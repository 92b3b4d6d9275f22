"""The simulated clock: starts where it is told and runs as fast as it is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


def parse_instant(text: str) -> float | None:
    """Read `now` (None) or an ISO 8601 instant, UTC unless it says otherwise.

    Returns:
        Seconds since 1970, or None for `now`.

    Raises:
        ValueError: The text is neither.
    """
    if text == "now":
        return None
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return instant.timestamp()


def iso(seconds: float) -> str:
    """Write seconds since 1970 as `2026-06-21T19:00:00Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class SimClock:
    """A clock in seconds since 1970, set to any instant and scaled by any factor."""

    def __init__(
        self,
        start: float | None = None,
        scale: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at `start` (None: this machine's time) and run `scale` times as fast."""
        self._monotonic = monotonic
        self._scale = scale
        self._base = 0.0
        self._anchor = 0.0
        self.set(start)

    @property
    def scale(self) -> float:
        """Simulated seconds in one real second; 0 stands still."""
        return self._scale

    def now(self) -> float:
        """Return the simulated instant in seconds since 1970."""
        return self._base + (self._monotonic() - self._anchor) * self._scale

    def set(self, start: float | None = None, scale: float | None = None) -> None:
        """Jump to `start` (None: this machine's time) and, if given, take a new scale."""
        self._base = time.time() if start is None else start
        self._anchor = self._monotonic()
        if scale is not None:
            self._scale = scale

    def rescale(self, scale: float) -> None:
        """Run at another speed from the present simulated instant on."""
        self.set(self.now(), scale)

    def advance(self, seconds: float) -> None:
        """Jump `seconds` ahead of the present simulated instant."""
        self.set(self.now() + seconds)
