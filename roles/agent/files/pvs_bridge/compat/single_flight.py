"""One reading for all who ask: fresh for a while, stale for a while longer, then none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pvs_bridge.pvs.errors import PvsError

T = TypeVar("T")

PATIENCE_SECONDS = 5.0
"""Whoever can be served a stale reading waits so long for a fresh one: programs in the field give
up after 10 seconds at the earliest."""

PAUSE_SECONDS = 2.0
"""After a failure, so long nobody's question leads to another attempt."""


@dataclass(frozen=True)
class Served(Generic[T]):
    """A reading as it is handed out.

    Attributes:
        age_seconds: Since the PVS has given it.
        stale: There should be a fresher one, and there is none.
    """

    value: T
    age_seconds: float
    stale: bool


class Shared(Generic[T]):
    """Reads at most once at a time, however many ask."""

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        fresh_seconds: float,
        stale_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember how to read, and how long a reading is good for."""
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._value: T | None = None
        self._read_at: float | None = None
        self._flight: asyncio.Task[None] | None = None
        self._error: PvsError | None = None
        self._failed_at = 0.0

    @property
    def error(self) -> PvsError | None:
        """Why the last attempt has failed; None if it has not."""
        return self._error

    async def get(self) -> Served[T]:
        """Return the reading that is fresh, or the next one, or the last one while it will do.

        Raises:
            PvsError: There is none.
        """
        held = self._held()
        if held is not None and held.age_seconds < self._fresh_seconds:
            return held
        started = self._clock()
        if not self._pausing():
            flight = self._flying()
            # Whoever asks may go away; the reading is for all.
            await asyncio.wait({flight}, timeout=PATIENCE_SECONDS if self._servable() else None)
        held = self._held()
        if held is not None and self._read_at is not None and self._read_at >= started:
            return held
        if held is not None and self._servable():
            return Served(held.value, held.age_seconds, stale=True)
        raise self._error or RuntimeError("a reading has ended without a result")

    async def close(self) -> None:
        """Give up what is being read."""
        if self._flight is not None and not self._flight.done():
            self._flight.cancel()
            await asyncio.wait({self._flight})

    def _held(self) -> Served[T] | None:
        if self._read_at is None or self._value is None:
            return None
        return Served(self._value, self._clock() - self._read_at, stale=False)

    def _servable(self) -> bool:
        """Tell whether there is a reading that may be served while there is no fresh one."""
        most = self._fresh_seconds + self._stale_seconds
        return self._read_at is not None and self._clock() - self._read_at < most

    def _pausing(self) -> bool:
        return self._error is not None and self._clock() - self._failed_at < PAUSE_SECONDS

    def _flying(self) -> asyncio.Task[None]:
        if self._flight is None or self._flight.done():
            self._flight = asyncio.ensure_future(self._fly())
        return self._flight

    async def _fly(self) -> None:
        try:
            self._value = await self._read()
        except PvsError as error:
            self._error = error
            self._failed_at = self._clock()
        else:
            self._error = None
            self._read_at = self._clock()
