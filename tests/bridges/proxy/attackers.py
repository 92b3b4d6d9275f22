"""Attackers that hold connections: they send a little now and then, and read a little."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from proxy_rig.world import BRIDGE, World

if TYPE_CHECKING:
    from typing import Self

_HELD_BY_ONE = 70
"""More than the bridge allows one address."""

_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Habit:
    """What an attacker does with each of its connections.

    Attributes:
        port: The bridge's port.
        greeting: Sent at once.
        drop: Sent again and again after that, by slow senders.
        reads: Bytes read at a time, 20 times a second.
    """

    port: int
    greeting: bytes
    drop: bytes = b""
    reads: int = 65536


@dataclass(eq=False)
class _Held:
    connection: socket.socket
    source: str
    rest: bytes


class Attackers:
    """Attackers in a thread; a context manager, which ends them.

    Attributes:
        attempts: Connections that they have begun.
    """

    def __init__(
        self, world: World, habit: Habit, sources: Sequence[str], most_attempts: int = 3000
    ) -> None:
        """Prepare them.

        Args:
            world: Where.
            habit: What each of them does.
            sources: Their addresses.
            most_attempts: They stop to connect after so many.
        """
        self._world = world
        self._habit = habit
        self._turns = itertools.cycle(sources)
        self._most_attempts = most_attempts
        self._room = dict.fromkeys(sources, _HELD_BY_ONE)
        self._open: set[_Held] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="attackers")
        self.attempts = 0

    def __enter__(self) -> Self:
        """Start them."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End them, and close their connections."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            for source in itertools.islice(self._turns, len(self._room)):
                self._connect(source)
            for held in list(self._open):
                self._go_on(held)
            # The bridge needs the processor too.
            time.sleep(_PAUSE_SECONDS)
        for held in self._open:
            held.connection.close()

    def _connect(self, source: str) -> None:
        batch = min(self._room[source], self._most_attempts - self.attempts, 20)
        for _ in range(batch):
            connection = self._world.bridge.call(lambda: socket.socket())
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.bind((source, 0))
            connection.connect_ex((BRIDGE, self._habit.port))
            self.attempts += 1
            self._room[source] -= 1
            self._open.add(_Held(connection, source, self._habit.greeting))

    def _go_on(self, held: _Held) -> None:
        """Send and read a little; forget the connection if the bridge has closed it."""
        try:
            with contextlib.suppress(BlockingIOError):
                held.rest = held.rest[held.connection.send(held.rest or self._habit.drop) :]
            with contextlib.suppress(BlockingIOError):
                if self._habit.reads and not held.connection.recv(self._habit.reads):
                    raise ConnectionResetError
        except OSError:
            self._open.discard(held)
            held.connection.close()
            self._room[held.source] += 1
