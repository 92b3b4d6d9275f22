"""Live data as server-sent events, which the status page reads."""

from __future__ import annotations

import asyncio

from pvs_bridge.compat.websocket import TEXT, WAITING_BYTES

REQUEST = b"GET /bridge/live "
"""How the request of the page begins. haproxy has checked it."""

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    b"Connection: close\r\n\r\n"
)


class EventStream:
    """A page that reads events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the connection, after the request."""
        self._reader = reader
        self._writer = writer

    def send(self, opcode: int, payload: bytes = b"") -> None:
        """Send a message without waiting; disconnect a page that does not read."""
        if self._writer.transport.get_write_buffer_size() > WAITING_BYTES:
            self.abort()
        elif opcode == TEXT:
            # An event is one line. JSON has line ends only between its values.
            self._writer.write(b"data: %b\n\n" % b" ".join(payload.splitlines()))

    def abort(self) -> None:
        """Close the connection without sending what waits."""
        self._writer.transport.abort()

    async def end(self) -> None:
        """Wait until the page leaves, which sends nothing before."""
        while await self._reader.read(4096):
            pass
