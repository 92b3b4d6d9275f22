"""Statuses: informational ones without an end, none at all, and connections that close early."""

from __future__ import annotations

import asyncio

from .kind import JSON_HEAD, Attack, Exchange, endless, raw

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _informed(start: bytes) -> Attack:
    """Send informational answers, then the true one."""

    async def attack(exchange: Exchange) -> None:
        await exchange.send(start)
        await exchange.send_response(exchange.response)

    return attack


async def _endless_slowly(exchange: Exchange) -> None:
    while True:
        await exchange.send(_CONTINUE)
        await asyncio.sleep(0.05)


async def _version_0_9(exchange: Exchange) -> None:
    await exchange.send(exchange.response.body)


STATUSES: dict[str, Attack] = {
    "continue-endless": endless(b"", lambda _: _CONTINUE),
    "continue-endless-slowly": _endless_slowly,
    "continue-then-answer": _informed(_CONTINUE),
    "processing-endless": endless(b"", lambda _: b"HTTP/1.1 102 Processing\r\nX-A: b\r\n\r\n"),
    "early-hints": _informed(
        b"HTTP/1.1 103 Early Hints\r\nLink: <http://evil.example/x.js>; rel=preload\r\n"
        b"Set-Cookie: evil=1; Domain=local\r\n\r\n"
    ),
    "switching-protocols": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               b"Connection: Upgrade\r\n\r\n", b"\x81\x04evil" * 100),
    "status-000": raw(b"HTTP/1.1 000 Nothing\r\nContent-Length: 2\r\n\r\n{}"),
    "status-999": raw(b"HTTP/1.1 999 Evil\r\nContent-Length: 2\r\n\r\n{}"),
    "status-204-with-body": raw(b"HTTP/1.1 204 No Content\r\n\r\n" + b'{"result": "succeed"}'),
    "status-304": raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "status-redirect": raw(b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\n"
                           b"Content-Length: 0\r\n\r\n"),
    "status-login": raw(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"home\"\r\n"
                        b"Content-Length: 2\r\n\r\n{}"),
    "status-markup": raw(b"HTTP/1.1 200 <script>alert(1)</script>\r\nContent-Length: 2\r\n\r\n{}"),
    "version-0.9": _version_0_9,
    "version-2": raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18),
    "version-9.9": raw(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "version-ssh": raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    "close-at-once": raw(),
    "close-in-status-line": raw(b"HTTP/1.1 20"),
    "close-in-header": raw(JSON_HEAD + b"Content-Len"),
    "close-before-body": raw(JSON_HEAD + b"Content-Length: 5000\r\n\r\n"),
    "two-answers": raw((JSON_HEAD + b"Content-Length: 2\r\n\r\n{}") * 2),
}  # fmt: skip
