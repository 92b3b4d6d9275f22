"""HTTP on the wire: reading requests as loosely as an old server, writing answers as it does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from email.utils import formatdate

MAX_HEAD = 65536
MAX_BODY = 4 * 1024 * 1024
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
REASONS = {
    200: "OK",
    301: "Moved Permanently",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}


class BadRequestError(Exception):
    """What arrived is not a request that a server can read; carries the status to answer."""

    def __init__(self, status: int) -> None:
        """Remember the status."""
        super().__init__(REASONS[status])
        self.status = status


@dataclass(frozen=True)
class Request:
    """One request as it arrived.

    Attributes:
        line: The request line, undecoded beyond Latin-1.
        headers: Names as sent, in order.
    """

    line: str
    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the last value of a header, whatever its case."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[-1] if found else None

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants the connection to stay open."""
        wish = (self.header("Connection") or "").lower()
        if self.version == "HTTP/1.1":
            return "close" not in wish
        return "keep-alive" in wish


@dataclass(frozen=True)
class Response:
    """One answer. The body is sent as it is; `raw_version` overrides the request's version."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    raw_version: str | None = None
    dynamic: bool = False


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes = b""
) -> Request:
    """Read one request with its body; `first` is what has been read of it already.

    Raises:
        BadRequestError: The head cannot be understood or is too large.
        asyncio.IncompleteReadError: The connection ended in the middle.
    """
    head = await _read_head(reader, first)
    lines = head.replace("\r\n", "\n").rstrip("\n").split("\n")
    parts = lines[0].split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/"):
        raise BadRequestError(400)
    headers = _headers(lines[1:])
    request = Request(lines[0], parts[0], parts[1], parts[2], headers)
    if (request.header("Expect") or "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read_body(reader, request)
    return Request(request.line, parts[0], parts[1], parts[2], headers, body)


async def _read_head(reader: asyncio.StreamReader, first: bytes) -> str:
    collected = bytearray()
    while True:
        line = first if first.endswith(b"\n") else first + await _read_line(reader)
        first = b""
        if not collected and line in {b"\r\n", b"\n"}:
            continue  # a stray empty line in front of a request is forgiven
        collected += line
        if line in {b"\r\n", b"\n"}:
            return collected.decode("latin-1")
        if len(collected) > MAX_HEAD:
            raise BadRequestError(431)


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        raise BadRequestError(431) from None


def _headers(lines: list[str]) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequestError(400)
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


async def _read_body(reader: asyncio.StreamReader, request: Request) -> bytes:
    length = request.header("Content-Length")
    if length is not None:
        # With both headers the length wins: wrong by the RFC, and what a smuggler hopes for.
        if not length.isdecimal():
            raise BadRequestError(400)
        if int(length) > MAX_BODY:
            raise BadRequestError(413)
        return await reader.readexactly(int(length))
    if "chunked" in (request.header("Transfer-Encoding") or "").lower():
        return await _read_chunks(reader)
    return b""


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        size_line = (await _read_line(reader)).split(b";")[0].strip()
        if not size_line or any(digit not in b"0123456789abcdefABCDEF" for digit in size_line):
            raise BadRequestError(400)
        size = int(size_line, 16)
        if len(body) + size > MAX_BODY:
            raise BadRequestError(413)
        if size == 0:
            while (await _read_line(reader)).strip():
                pass
            return bytes(body)
        body += await reader.readexactly(size)
        await _read_line(reader)


def encode(request: Request, response: Response, server: str, framing: str) -> tuple[bytes, bytes]:
    """Return the head and the body as they go over the wire.

    Args:
        request: What is answered; a HEAD gets no body.
        response: The answer.
        server: The Server header.
        framing: length, chunked or close; what HTTP/1.0 cannot do becomes close.
    """
    version = response.raw_version or request.version
    body = response.body
    lines = [f"{version} {response.status} {REASONS[response.status]}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.raw_version is None:
        chunked = framing == "chunked" and version == "HTTP/1.1" and response.dynamic
        if chunked:
            lines.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        elif framing == "length" or not response.dynamic:
            lines.append(f"Content-Length: {len(body)}")
        if response.close:
            lines.append("Connection: close")
        elif version == "HTTP/1.0":
            lines.append("Connection: keep-alive")
        lines += [f"Date: {formatdate(usegmt=True)}", f"Server: {server}"]
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1"), b"" if request.method == "HEAD" else body


def abort_with_reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
