"""One reading for all clients: fresh for a while, then stale for a while, then an error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pvs_bridge.pvs.errors import PvsError, SilentError

T = TypeVar("T")

WAIT_SECONDS = 5.0
"""A client that can get a stale reading waits so long for a fresh one. The shortest timeout of a
client in the field is 10 seconds."""

PAUSE_SECONDS = 2.0
"""After a failure, the PVS is not asked again for so long."""


@dataclass(frozen=True)
class Served(Generic[T]):
    """A reading for a client.

    Attributes:
        age_seconds: The time since the PVS has sent it.
        stale: Whether a fresh reading was due and failed.
    """

    value: T
    age_seconds: float
    stale: bool


class SingleFlight(Generic[T]):
    """Reads at most once at a time, for any number of clients."""

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        fresh_seconds: float,
        stale_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set how to read, and how long a reading is fresh, and then stale."""
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._value: T | None = None
        self._read_at: float | None = None
        self._flight: asyncio.Task[None] | None = None
        self._error: PvsError | None = None
        self._failed_at = 0.0
        self._changes = self._read_after = 0

    @property
    def error(self) -> PvsError | None:
        """The error of the last attempt; None if it succeeded."""
        return self._error

    @property
    def value(self) -> T | None:
        """The last reading, however old; None without one."""
        return self._value

    def expire(self) -> None:
        """Have the next request read again, because the PVS has changed."""
        self._changes += 1

    async def get(self, fresh_seconds: float | None = None, *, waits: bool = True) -> Served[T]:
        """Return a fresh reading, or a stale one if a fresh one fails.

        Args:
            fresh_seconds: How long a reading is fresh; None: as long as set.
            waits: Whether to wait longer for a reading if there is no stale one.

        Raises:
            PvsError: There is neither.
        """
        fresh = self._fresh_seconds if fresh_seconds is None else fresh_seconds
        held = self._held()
        if held is not None and held.age_seconds < fresh and self._read_after == self._changes:
            return held
        started = self._clock()
        if not self._pausing():
            flight = self._flying()
            # Not cancelled with this request, because other clients wait for it too.
            await asyncio.wait(
                {flight}, timeout=None if waits and not self._servable(fresh) else WAIT_SECONDS
            )
        held = self._held()
        if held is not None and self._read_at is not None and self._read_at >= started:
            return held
        if held is not None and self._servable(fresh):
            return Served(held.value, held.age_seconds, stale=True)
        raise self._error or SilentError

    async def close(self) -> None:
        """Cancel a running reading."""
        if self._flight is not None and not self._flight.done():
            self._flight.cancel()
            await asyncio.wait({self._flight})

    def _held(self) -> Served[T] | None:
        if self._read_at is None or self._value is None:
            return None
        return Served(self._value, self._clock() - self._read_at, stale=False)

    def _servable(self, fresh_seconds: float) -> bool:
        """Return whether there is a reading that may be served as a stale one."""
        longest = fresh_seconds + self._stale_seconds
        return self._read_at is not None and self._clock() - self._read_at < longest

    def _pausing(self) -> bool:
        return self._error is not None and self._clock() - self._failed_at < PAUSE_SECONDS

    def _flying(self) -> asyncio.Task[None]:
        if self._flight is None or self._flight.done():
            self._flight = asyncio.ensure_future(self._fly())
        return self._flight

    async def _fly(self) -> None:
        changes = self._changes
        try:
            self._value = await self._read()
        except PvsError as error:
            self._error = error
            self._failed_at = self._clock()
        else:
            self._error = None
            self._read_at = self._clock()
            self._read_after = changes
