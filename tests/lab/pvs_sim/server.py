"""The PVS's HTTP and HTTPS connections, where the injected faults do their harm."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from dataclasses import dataclass, replace

from .box import Box, InterruptedRequestError, NeverAnsweredError, forbidden
from .console import error_page, moved, unavailable
from .counters import Record
from .evil import ATTACKS, Exchange
from .faults import Fault
from .listener import Listener
from .target import Target
from .wire import (
    METHODS,
    BadRequestError,
    Request,
    Response,
    abort_with_reset,
    encode,
    read_request,
)

READ_SECONDS = 60.0
_JSON = ("Content-Type", "application/json")
_MIME_ERROR = b'{"result":"error","msg":"Could not connect to mime."}'
_LINES_IN_BODY = b"Content-Type: application/json\r\nPragma: no-cache\r\n\r\n"
_LEFT = (asyncio.IncompleteReadError, TimeoutError, ssl.SSLError, OSError)
_NOT_THERE = ("reset", "silence")


@dataclass(frozen=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class HttpServer(Listener):
    """One listening port of the PVS, with or without TLS."""

    def __init__(self, box: Box, name: str) -> None:
        """Serve a box; `name` (http or https) tells the requests apart in the log."""
        super().__init__()
        self._box = box
        self._name = name
        self._idle: set[asyncio.StreamWriter] = set()
        box.on_restart.append(self._drop_idle)

    def _drop_idle(self) -> None:
        for writer in self._idle:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side is done with it."""
        self._box.counters.connections += 1
        connection = _Connection(reader, writer)
        with contextlib.suppress(*_LEFT):
            while await self._serve_one(connection):
                pass

    async def _serve_one(self, connection: _Connection) -> bool:
        """Serve one request; return whether the connection stays open."""
        if await self._is_away(connection):
            return False
        try:
            request = await self._next_request(connection)
        except BadRequestError as error:
            await self._refuse(connection, error)
            return False
        if await self._is_away(connection):
            return False
        target = self._box.identify(request)
        record = self._box.counters.begin(
            self._name, request, target.path, target.kind, target.label
        )
        return await self._recorded(connection, request, target, record)

    async def _recorded(
        self, connection: _Connection, request: Request, target: Target, record: Record
    ) -> bool:
        """Answer a request and note how that ended; return whether the connection stays open."""
        status, outcome = None, "gone"
        fault = self._box.faults.take(record.path, record.command)
        try:
            response = await self._respond(request, target, fault)
            outcome = "gone" if connection.reader.at_eof() else "answered"
            keep = await self._send(connection.writer, request, response, fault)
            status = response.status
        except NeverAnsweredError:
            outcome = "silent"
            await self._hang(connection)
            return False
        except ConnectionAbortedError:
            outcome = "reset"
            abort_with_reset(connection.writer)
            return False
        except _LEFT:
            outcome = "gone"
            raise
        finally:
            self._box.counters.end(record, status, outcome)
            self._log(record)
        return keep

    async def _next_request(self, connection: _Connection) -> Request:
        self._idle.add(connection.writer)
        keepalive = self._box.settings.keepalive_seconds
        try:
            async with asyncio.timeout(keepalive):
                first = await connection.reader.readexactly(1)
        finally:
            self._idle.discard(connection.writer)
        async with asyncio.timeout(READ_SECONDS):
            return await read_request(connection.reader, connection.writer, first)

    async def _is_away(self, connection: _Connection) -> bool:
        """Behave like a PVS that is not there, if a restart is that far."""
        phase = self._box.power.phase()
        if phase not in _NOT_THERE:
            return False
        if phase == "silence":
            with contextlib.suppress(*_LEFT):
                async with asyncio.timeout(self._box.power.remaining()):
                    await _gone(connection.reader)
        abort_with_reset(connection.writer)
        return True

    async def _hang(self, connection: _Connection) -> None:
        """Keep the client waiting until it leaves or the PVS goes down."""
        with contextlib.suppress(*_LEFT, InterruptedRequestError):
            leaving = asyncio.ensure_future(_gone(connection.reader))
            falling = asyncio.ensure_future(self._box.restarted.wait())
            try:
                await asyncio.wait({leaving, falling}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                falling.cancel()
        abort_with_reset(connection.writer)

    async def _refuse(self, connection: _Connection, error: BadRequestError) -> None:
        request = Request("(unreadable)", "-", "*", "HTTP/1.1")
        record = self._box.counters.begin(self._name, request, "*", "bad", None)
        try:
            page = error_page(error.status, str(error), close=True)
            await self._send(connection.writer, request, page, None)
        finally:
            self._box.counters.end(record, error.status, "answered")
            self._log(record)

    async def _respond(self, request: Request, target: Target, fault: Fault | None) -> Response:
        """Return the answer, the harm of a fault included where it replaces the answer.

        Raises:
            NeverAnsweredError: There will be none.
            ConnectionAbortedError: The connection is to be reset.
        """
        writes = [self._box.counters.write(what, request.line) for what in target.writes]
        if request.method not in METHODS:
            return error_page(501, "Not Implemented")
        if self._box.power.phase() is not None:
            return unavailable()
        if target.kind == "varserver" and self._name == "http":
            if self._box.settings.http_api == "redirect":
                host = request.header("Host") or self._box.options.host
                return moved(f"https://{host}{request.target}")
            if self._box.settings.http_api == "off":
                return error_page(404, "Not Found")
        try:
            if fault is not None:
                replaced = await self._replaced(fault)
                if replaced is not None:
                    return replaced
            return await self._box.answer(request, target, writes)
        except InterruptedRequestError:
            return error_page(500, "Internal Server Error", close=True)

    async def _replaced(self, fault: Fault) -> Response | None:
        if fault.kind == "silence":
            raise NeverAnsweredError
        if fault.kind == "reset":
            raise ConnectionAbortedError
        if fault.kind == "delay":
            await self._box.work(fault.seconds)
        answers = {
            "500": error_page(500, "Internal Server Error"),
            "503": unavailable(),
            "403": forbidden(),
            "error_result": Response(200, _MIME_ERROR, (_JSON,), dynamic=True),
            "html": error_page(200, "Welcome"),
        }
        return answers.get(fault.kind)

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        request: Request,
        response: Response,
        fault: Fault | None,
    ) -> bool:
        """Send the answer; return whether the connection stays open."""
        attack = ATTACKS.get(self._box.settings.evil or "")
        if attack is not None:
            await attack(Exchange(request, response, writer))
            return False
        kind = fault.kind if fault is not None else None
        framing = self._box.settings.framing
        if kind == "headers_in_body":
            response = replace(response, body=_LINES_IN_BODY + response.body)
        unframed = response.dynamic and (
            framing == "close" or (framing == "chunked" and request.version != "HTTP/1.1")
        )
        if not request.keep_alive or unframed:
            response = replace(response, close=True)
        head, body = encode(request, response, self._box.firmware.server, framing)
        if fault is not None and kind == "truncate":
            body = body[: int(len(body) * fault.fraction)]
            response = replace(response, close=True)
        if fault is not None and kind == "slow":
            await _drip(writer, head + body, fault.bytes_per_second)
        else:
            writer.write(head + body)
        await writer.drain()
        return not response.close

    def _log(self, record: Record) -> None:
        if not self._box.options.log or record.ended is None:
            return
        result = record.status if record.status is not None else record.outcome
        took = record.ended - record.started
        print(f"{self._name} {result} {took:.3f} s {record.line!r}", file=sys.stderr, flush=True)


async def _gone(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


async def _drip(writer: asyncio.StreamWriter, data: bytes, rate: float) -> None:
    step = max(1, int(rate / 20))
    for start in range(0, len(data), step):
        if writer.is_closing():
            raise ConnectionResetError
        writer.write(data[start : start + step])
        await writer.drain()
        await asyncio.sleep(step / rate)
