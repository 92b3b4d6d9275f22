"""Many raw requests at once, each on a connection of its own: what is sent is sent to the byte."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Sequence

# An encrypted connection may have to wait for the other direction.
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _Shot:
    """One connection: what is still to be sent, and what has come."""

    def __init__(self, connection: socket.socket, data: bytes) -> None:
        self.connection = connection
        self.rest = data
        self.said = bytearray()
        self.touched = time.monotonic()
        connection.setblocking(False)

    def go_on(self, *, half_close: bool) -> bool:
        """Send and receive what is possible; whether there may be more."""
        self.touched = time.monotonic()
        try:
            if self.rest:
                with contextlib.suppress(*_LATER):
                    self.rest = self.rest[self.connection.send(self.rest) :]
                if not self.rest and half_close:
                    # An SSLSocket's own method would end the decryption.
                    socket.socket.shutdown(self.connection, socket.SHUT_WR)
            with contextlib.suppress(*_LATER):
                piece = self.connection.recv(65536)
                self.said += piece
                return bool(piece)
        except OSError:
            return False
        return True


class _Volley:
    """Keeps as many connections open as allowed until every request has had its turn."""

    def __init__(self, at_once: int, patience_seconds: float, *, half_close: bool) -> None:
        self._at_once = at_once
        self._patience_seconds = patience_seconds
        self._half_close = half_close
        self._open = selectors.DefaultSelector()

    def run(self, connect: Callable[[], socket.socket], requests: Sequence[bytes]) -> list[_Shot]:
        """Send all of them; see :func:`volley`."""
        shots: list[_Shot] = []
        with self._open:
            while len(shots) < len(requests) or self._open.get_map():
                while len(shots) < len(requests) and len(self._open.get_map()) < self._at_once:
                    shots.append(_Shot(connect(), requests[len(shots)]))
                    self._watch(shots[-1])
                self._go_on()
        return shots

    def _watch(self, shot: _Shot) -> None:
        events = selectors.EVENT_READ | selectors.EVENT_WRITE
        self._open.register(shot.connection, events, data=shot)

    def _go_on(self) -> None:
        for key, _ in self._open.select(0.05):
            shot: _Shot = key.data
            if not shot.go_on(half_close=self._half_close):
                self._end(shot)
            elif not shot.rest:
                self._open.modify(shot.connection, selectors.EVENT_READ, data=shot)
        late = time.monotonic() - self._patience_seconds
        for key in list(self._open.get_map().values()):
            if key.data.touched < late:
                self._end(key.data)

    def _end(self, shot: _Shot) -> None:
        self._open.unregister(shot.connection)
        shot.connection.close()


def volley(
    connect: Callable[[], socket.socket],
    requests: Sequence[bytes],
    *,
    at_once: int = 400,
    patience_seconds: float = 1.0,
    half_close: bool = False,
) -> list[bytes]:
    """Send each request and take what is answered, until the other side closes or falls silent.

    Args:
        connect: opens a connection.
        requests: what to send.
        at_once: connections that are open at the same time; haproxy takes 512.
        patience_seconds: a connection on which nothing happens for so long is cut.
        half_close: say at the end of a request that nothing will follow.

    Returns:
        what has come, in the order of the requests.
    """
    shots = _Volley(at_once, patience_seconds, half_close=half_close).run(connect, requests)
    return [bytes(shot.said) for shot in shots]
