"""Live data: one connection to the PVS for all programs that listen, and only while they do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import NoReturn, Protocol

from yarl import URL

from pvs_bridge.compat import events
from pvs_bridge.compat.answers import refusal_body
from pvs_bridge.compat.backoff import Backoff
from pvs_bridge.compat.events import EventStream
from pvs_bridge.compat.listening import listening, remove
from pvs_bridge.compat.telemetry import Telemetry
from pvs_bridge.compat.websocket import (
    CLOSE,
    ENDED,
    MAX_HEAD,
    PING,
    PONG,
    TEXT,
    WebSocket,
    acceptance,
    connect,
)
from pvs_bridge.config import CompatConfig
from pvs_bridge.pvs.errors import LiveDataError, PvsError

PORT = 9002

CONNECT_SECONDS = 25.0
"""For the switch, the connection and the first message. The vendor's library waits 30 seconds."""

FIRST_SECONDS = 10.0
SILENT_SECONDS = 30.0
"""A PVS sends every second. One whose live data are off may accept a connection and be silent."""

LINGER_SECONDS = 30.0
"""How long the connection outlives the last program, so that one that comes and goes does not make
the PVS connect and switch as often."""

PING_SECONDS = 30.0
"""A program whose network is gone does not answer within this time."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 2.0, 60.0
_STOP_SECONDS = 5.0
_MESSAGE_SECONDS = 0.05
"""At most one message in this time is read from the PVS, and from each program."""

_LONGEST_FROM_PVS = 16384  # a message has about 300 bytes
_LONGEST_FROM_PROGRAM = 4096


class Listener(Protocol):
    """A program or a page."""

    def send(self, opcode: int, payload: bytes = b"") -> None:
        """Send a message without waiting."""

    def abort(self) -> None:
        """Disconnect it at once."""


class LiveData:
    """Passes the PVS's messages on to the programs. What a program sends goes nowhere."""

    def __init__(self, config: CompatConfig, telemetry: Telemetry) -> None:
        """Prepare; start() makes it listen. Needs a running event loop."""
        self._path = config.live_socket
        host = URL(config.pvs_url).host or ""
        self._host = f"{host}:{PORT}"
        self._pvs: tuple[str, int] | str = config.pvs_socket or (host, PORT)
        self._telemetry = telemetry
        self._listeners: set[Listener] = set()
        # Held while the connection to the PVS is opened and closed, so that there is only one.
        self._lock = asyncio.Lock()
        self._passing: asyncio.Task[None] | None = None
        self._pauses = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._rests = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._error: PvsError | None = None
        self._left_at = 0.0
        # Unknown after a crash of the service or a power cut.
        self._may_be_on = True
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The socket cannot be created.
        """
        if self._path:
            self._server = await asyncio.start_unix_server(
                self._serve, sock=listening(self._path), limit=MAX_HEAD
            )

    async def close(self) -> None:
        """Disconnect the programs and the PVS, and switch its live data off."""
        if self._server is None:
            return
        self._server.close()
        if self._passing is not None:
            self._passing.cancel()
            await asyncio.wait({self._passing})
        for listener in self._listeners:
            listener.abort()
        with contextlib.suppress(PvsError, TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await self._switch_off()
        remove(self._path)

    async def rest(self) -> None:
        """Switch the PVS's live data off if no program listens; called again and again."""
        if not self._path or not self._may_be_on or self._is_passing or self._rests.left_seconds:
            return
        async with self._lock:
            if not self._is_passing:
                self._rests.spend()
                with contextlib.suppress(PvsError, TimeoutError):
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await self._switch_off()
                    self._rests.reset()

    async def _switch_off(self) -> None:
        if self._may_be_on:
            await self._telemetry.switch(on=False)
            self._may_be_on = False

    # Programs

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a program, whose request haproxy has checked."""
        with contextlib.suppress(*ENDED), contextlib.closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            try:
                if head.startswith(events.REQUEST):
                    page = EventStream(reader, writer)
                    async with self._listening(page, writer, events.ANSWER):
                        await page.end()
                else:
                    program = WebSocket(reader, writer, _LONGEST_FROM_PROGRAM)
                    async with self._listening(program, writer, acceptance(head)):
                        await _listen(program)
            except PvsError as error:
                writer.write(_refusal(error))

    @contextlib.asynccontextmanager
    async def _listening(
        self, listener: Listener, writer: asyncio.StreamWriter, answer: bytes
    ) -> AsyncIterator[None]:
        """Answer, and pass messages on, until the end of the block.

        Raises:
            PvsError: The PVS has no live data now.
        """
        async with self._lock:
            await self._open()
            writer.write(answer)
            self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)
            self._left_at = time.monotonic()

    async def _open(self) -> None:
        """Connect to the PVS, unless it is connected.

        Raises:
            PvsError: It has no live data now.
        """
        if self._is_passing:
            return
        if self._error is not None and self._pauses.left_seconds:
            raise self._error
        socket, message = await self._connect()
        self._passing = asyncio.ensure_future(self._pass_on(socket, message))

    # The PVS

    @property
    def _is_passing(self) -> bool:
        return self._passing is not None and not self._passing.done()

    async def _pass_on(self, socket: WebSocket | None, message: bytes) -> None:
        """Pass messages on, and connect again after each end, until no program listens."""
        since = time.monotonic()
        try:
            while await self._is_wanted(socket):
                try:
                    if socket is None:
                        if self._pauses.left_seconds:
                            await asyncio.sleep(min(self._pauses.left_seconds, 1.0))
                            continue
                        socket, message = await self._connect()
                        since = time.monotonic()
                    for listener in self._listeners:
                        listener.send(TEXT, message)
                    message = await _next_message(socket)
                except (PvsError, *ENDED):
                    if socket is not None:
                        socket.close()
                    socket = None
                    # A PVS ends each connection after 10 minutes.
                    if time.monotonic() - since > LONGEST_PAUSE_SECONDS:
                        self._pauses.reset()
        finally:
            if socket is not None:
                socket.close()

    async def _is_wanted(self, socket: WebSocket | None) -> bool:
        """Return whether programs listen, or did just now; else close the connection."""
        async with self._lock:
            if self._listeners or time.monotonic() - self._left_at < LINGER_SECONDS:
                return True
            if socket is not None:
                socket.close()
            self._passing = None
            return False

    async def _connect(self) -> tuple[WebSocket, bytes]:
        """Connect to the PVS; return its first message too, because some are silent.

        Raises:
            PvsError: It has no live data now.
        """
        self._may_be_on = True
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._telemetry.switch(on=True)
                socket = await connect(self._pvs, self._host, _LONGEST_FROM_PVS)
                try:
                    async with asyncio.timeout(FIRST_SECONDS):
                        message = await _next_message(socket)
                except BaseException:
                    socket.close()
                    raise
        except PvsError as error:
            self._error = error
            raise
        except ENDED:
            self._error = LiveDataError()
            raise self._error from None
        finally:
            # From now on, so that programs that have waited for this attempt do not begin another.
            self._pauses.spend()
        self._error = None
        return socket, message


async def _listen(listener: WebSocket) -> None:
    """Wait until a program leaves or does not answer; answer its pings, and drop all else.

    Raises:
        Exception: One of ENDED.
    """
    was_asked = False
    while True:
        try:
            async with asyncio.timeout(PING_SECONDS):
                opcode, payload = await listener.receive()
        except TimeoutError:
            if was_asked:
                raise
            was_asked = True
            listener.send(PING)
            continue
        was_asked = False
        if opcode == CLOSE:
            listener.send(CLOSE, payload[:2])
            return
        if opcode == PING:
            listener.send(PONG, payload)
        await asyncio.sleep(_MESSAGE_SECONDS)


async def _next_message(socket: WebSocket) -> bytes:
    """Return the PVS's next message that is JSON; drop all else.

    Raises:
        Exception: One of ENDED.
    """
    async with asyncio.timeout(SILENT_SECONDS):
        while True:
            await asyncio.sleep(_MESSAGE_SECONDS)
            opcode, payload = await socket.receive()
            if opcode == CLOSE:
                raise EOFError
            if opcode == PING:
                socket.send(PONG, payload)
            if opcode == TEXT and _is_object(payload):
                return payload


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text.decode(), parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def _refuse(constant: str) -> NoReturn:
    """Refuse NaN and the like, which are not JSON."""
    raise ValueError(constant)


def _refusal(error: PvsError) -> bytes:
    text = refusal_body(error)
    retry = f"Retry-After: {error.retry_seconds}\r\n" if error.retry_seconds > 0 else ""
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        f"Connection: close\r\n{retry}\r\n"
    )
    return head.encode() + text
