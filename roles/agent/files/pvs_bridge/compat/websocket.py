"""WebSockets (RFC 6455), as far as live data need them.

Not aiohttp's: those of Debian 12 and 13 (3.8, 3.11) keep all of a frame in memory before they check
its length, and one frame can be longer than the memory of the Pi.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
MAX_HEAD = 8192

WAITING_BYTES = 65536
"""A program that has not read so much is disconnected."""

_MOST_PARTS = 64
_CONTINUATION = 0x0
_FINAL, _RESERVED, _MASKED = 0x80, 0x70, 0x80
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"^sec-websocket-key:[ \t]*([A-Za-z0-9+/=]{1,64})[ \t]*\r$", re.I | re.M)
_ACCEPT = re.compile(rb"^sec-websocket-accept:[ \t]*([A-Za-z0-9+/=]{28})[ \t]*\r$", re.I | re.M)


class WebSocketError(Exception):
    """The other side does not speak the protocol, or sends more than it may."""


ENDED = (WebSocketError, EOFError, OSError, TimeoutError, asyncio.LimitOverrunError)
"""What reading raises when the connection has ended, or must be ended."""


def frame(opcode: int, payload: bytes = b"", *, masked: bool = False) -> bytes:
    """Return one final frame; the client of a connection masks its frames."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 65536:
        length = bytes([126]) + size.to_bytes(2, "big")
    else:
        length = bytes([127]) + size.to_bytes(8, "big")
    head = bytes([_FINAL | opcode])
    if not masked:
        return head + length + payload
    mask = os.urandom(4)
    return head + bytes([length[0] | _MASKED]) + length[1:] + mask + _mask(mask, payload)


def _mask(mask: bytes, payload: bytes) -> bytes:
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def accept_key(key: bytes) -> bytes:
    """Return the Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest())


class WebSocket:
    """One side of a connection, after the handshake."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        longest: int,
        *,
        is_client: bool = False,
    ) -> None:
        """Take the connection.

        Args:
            reader: Its incoming side.
            writer: Its outgoing side.
            longest: The longest message that the other side may send, in bytes.
            is_client: Whether this side has opened it.
        """
        self._reader = reader
        self._writer = writer
        self._longest = longest
        self._is_client = is_client
        self._opcode = 0
        self._parts: list[bytes] = []

    def send(self, opcode: int, payload: bytes = b"") -> None:
        """Send a message without waiting; disconnect the other side if it does not read."""
        if self._writer.transport.get_write_buffer_size() > WAITING_BYTES:
            self.abort()
        else:
            self._writer.write(frame(opcode, payload, masked=self._is_client))

    def close(self) -> None:
        """Say goodbye, and close the connection."""
        if not self._writer.is_closing():
            self.send(CLOSE)
        self._writer.close()

    def abort(self) -> None:
        """Close the connection without sending what waits."""
        self._writer.transport.abort()

    async def receive(self) -> tuple[int, bytes]:
        """Return the opcode and the payload of the next message or control frame.

        Raises:
            Exception: One of ENDED.
        """
        while True:
            first, second = await self._reader.readexactly(2)
            payload = await self._payload(second, self._longest - sum(map(len, self._parts)))
            opcode, is_final = first & 0x0F, bool(first & _FINAL)
            if first & _RESERVED or (opcode >= CLOSE and not is_final):
                raise WebSocketError
            if opcode >= CLOSE:
                return opcode, payload
            if (opcode == _CONTINUATION) != bool(self._opcode) or len(self._parts) >= _MOST_PARTS:
                raise WebSocketError
            self._opcode = self._opcode or opcode
            self._parts.append(payload)
            if is_final:
                opcode, payload = self._opcode, b"".join(self._parts)
                self._opcode, self._parts = 0, []
                return opcode, payload

    async def _payload(self, second: int, longest: int) -> bytes:
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
        if size > longest:
            raise WebSocketError
        mask = await self._reader.readexactly(4) if second & _MASKED else b""
        payload = await self._reader.readexactly(size)
        return _mask(mask, payload) if mask else payload


def acceptance(head: bytes) -> bytes:
    """Return the answer to a client's request.

    Raises:
        WebSocketError: The request has no Sec-WebSocket-Key.
    """
    found = _KEY.search(head)
    if found is None:
        raise WebSocketError
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept_key(found[1])
    )


async def connect(where: tuple[str, int] | str, host: str, longest: int) -> WebSocket:
    """Open a connection as a client.

    Args:
        where: A host and port, or the path of a Unix socket.
        host: The Host header.
        longest: The longest message that the other side may send, in bytes.

    Raises:
        Exception: One of ENDED.
    """
    reader, writer = (
        await asyncio.open_unix_connection(where, limit=MAX_HEAD)
        if isinstance(where, str)
        else await asyncio.open_connection(*where, limit=MAX_HEAD)
    )
    try:
        key = base64.b64encode(os.urandom(16))
        writer.write(
            b"GET / HTTP/1.1\r\nHost: %b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % (host.encode(), key)
        )
        _check_acceptance(await reader.readuntil(b"\r\n\r\n"), key)
    except BaseException:
        writer.close()
        raise
    return WebSocket(reader, writer, longest, is_client=True)


def _check_acceptance(head: bytes, key: bytes) -> None:
    found = _ACCEPT.search(head)
    if not head.startswith(b"HTTP/1.1 101 ") or found is None or found[1] != accept_key(key):
        raise WebSocketError
