"""Chunks: without an end, with sizes that are not theirs, with trailers."""

from __future__ import annotations

from .kind import JSON_HEAD, Attack, Exchange, endless, raw

_CHUNKED = JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_GOOD = b'{"result": "succeed", "devices": []}'


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _trailers(exchange: Exchange) -> None:
    trailers = b"X-Evil: 1\r\nSet-Cookie: evil=1; Domain=local\r\nContent-Length: 3\r\n"
    await exchange.send(_CHUNKED + _chunk(exchange.response.body) + b"0\r\n" + trailers + b"\r\n")


CHUNKS: dict[str, Attack] = {
    "chunks-endless": endless(_CHUNKED, lambda _: _chunk(b" " * 1000)),
    "chunks-endless-extension": endless(_CHUNKED + b"5;", lambda _: b"x" * 4096),
    "chunks-endless-trailers": endless(_CHUNKED + _chunk(_GOOD) + b"0\r\n",
                                       lambda number: b"X-%d: y\r\n" % number),
    "chunks-one-byte": endless(_CHUNKED, lambda _: b"1\r\n \r\n" * 200),
    "chunks-size-wrong": raw(_CHUNKED + b"5\r\n" + _GOOD + b"\r\n0\r\n\r\n"),
    "chunks-size-negative": raw(_CHUNKED + b"-5\r\n" + _GOOD + b"\r\n0\r\n\r\n"),
    "chunks-size-huge": raw(_CHUNKED + b"ffffffffffffffff\r\n" + _GOOD + b"\r\n0\r\n\r\n"),
    "chunks-size-text": raw(_CHUNKED + b"evil\r\n" + _GOOD + b"\r\n0\r\n\r\n"),
    "chunks-without-end": raw(_CHUNKED + _chunk(_GOOD)),
    "chunks-trailers": _trailers,
}  # fmt: skip
