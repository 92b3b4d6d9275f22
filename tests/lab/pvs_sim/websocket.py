"""The WebSocket on port 9002: live data as text frames (RFC 6455), until the PVS closes it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import struct

from .box import Box
from .listener import Listener
from .wire import BadRequestError, Request, abort_with_reset, read_request

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_PAYLOAD = 65536
_LEFT = (asyncio.IncompleteReadError, TimeoutError, OSError, BadRequestError)


class ProtocolError(Exception):
    """The client broke the protocol; carries the close code."""

    def __init__(self, code: int) -> None:
        """Remember the close code."""
        super().__init__(code)
        self.code = code


def frame(opcode: int, payload: bytes = b"") -> bytes:
    """Return one unmasked, final frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + payload


def accept_key(key: str) -> str:
    """Return the Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key."""
    digest = hashlib.sha1(key.encode() + _MAGIC, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one frame of a client and return its opcode and unmasked payload.

    Raises:
        ProtocolError: The frame is not masked or too long.
        asyncio.IncompleteReadError: The connection ended.
    """
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    if not second & 0x80:
        raise ProtocolError(1002)
    if size > _MAX_PAYLOAD:
        raise ProtocolError(1009)
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class WebSocketServer(Listener):
    """The live-data port of a PVS6."""

    def __init__(self, box: Box) -> None:
        """Serve a box's live data."""
        super().__init__()
        self._box = box
        self._writers: set[asyncio.StreamWriter] = set()
        box.on_restart.append(self._drop_all)

    def _drop_all(self) -> None:
        for writer in self._writers:
            abort_with_reset(writer)

    def _serving(self) -> bool:
        is_open = self._box.telemetry_on() or self._box.settings.websocket_off == "silent"
        return self._box.power.phase() is None and is_open

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        if not self._serving():
            abort_with_reset(writer)
            return
        with contextlib.suppress(*_LEFT):
            async with asyncio.timeout(60):
                request = await read_request(reader, writer)
            self._count(request)
            if not await self._shake_hands(request, writer):
                return
            await self._stream(reader, writer)

    def _count(self, request: Request) -> None:
        """Count a request, and its writes, although this port carries out none.

        It is not in flight afterwards, because live data are not an answer that is worked on.
        """
        target = self._box.identify(request)
        for what in target.writes:
            self._box.counters.write(what, request.line)
        record = self._box.counters.begin("websocket", request, target.path, "live", None)
        self._box.counters.end(record, None, "answered")

    async def _shake_hands(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        key = request.header("Sec-WebSocket-Key")
        upgrade = (request.header("Upgrade") or "").lower()
        if request.method != "GET" or upgrade != "websocket" or not key:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return False
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
        )
        await writer.drain()
        return True

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._box.counters.open_websocket()
        self._writers.add(writer)
        listening = asyncio.ensure_future(self._listen(reader, writer))
        sending = asyncio.ensure_future(self._send(writer))
        try:
            await asyncio.wait({listening, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, sending):
                task.cancel()
            await asyncio.gather(listening, sending, return_exceptions=True)
            self._writers.discard(writer)
            self._box.counters.close_websocket()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._box.settings.websocket_life_seconds
        while self._serving() and loop.time() < end:
            if self._box.telemetry_on():
                message = {"notification": "power", "params": self._box.livedata()}
                writer.write(frame(TEXT, json.dumps(message).encode()))
                await writer.drain()
            left = max(0.0, end - loop.time())
            await asyncio.sleep(min(self._box.settings.websocket_interval_seconds, left))
        writer.write(frame(CLOSE, struct.pack("!H", 1000)))
        await writer.drain()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            opcode, payload = await read_frame(reader)
            while opcode != CLOSE:
                if opcode == PING:
                    writer.write(frame(PONG, payload))
                opcode, payload = await read_frame(reader)
            writer.write(frame(CLOSE, payload[:2]))
        except ProtocolError as error:
            writer.write(frame(CLOSE, struct.pack("!H", error.code)))
        await writer.drain()
