"""Headers: endless, with bytes that none may have, contradicting, or acting on a browser."""

from __future__ import annotations

from dataclasses import replace

from .kind import JSON_HEAD, Attack, Exchange, changed, endless, raw

ACTING = (
    ("Set-Cookie", "evil=1; Domain=local; Path=/; Max-Age=99999999"),
    ("Set-Cookie", "session=evil; Domain=sunpowerconsole.com"),
    ("Set-Cookie2", "evil=1"),
    ("Refresh", "0; url=http://evil.example/"),
    ("Link", "<http://evil.example/x.js>; rel=preload; as=script"),
    ("Clear-Site-Data", '"*"'),
    ("Alt-Svc", 'h2="evil.example:443"'),
    ("Service-Worker-Allowed", "/"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("Report-To", '{"endpoints": [{"url": "https://evil.example"}]}'),
    ("NEL", '{"report_to": "x"}'),
    ("Access-Control-Allow-Origin", "http://evil.example"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Location", "http://evil.example/"),
    ("WWW-Authenticate", 'Basic realm="home"'),
    ("Via", "1.1 pvs-bridge-compat"),
    ("Age", "-1"),
    ("Warning", '110 pvs-bridge "Response is Stale"'),
    ("Content-Disposition", 'attachment; filename="evil.exe"'),
    ("X-Pvs-Bridge-Cache", "600"),
)
"""Headers that would act on a client beyond the answer, or speak in the bridge's name."""


def _with_line(line: bytes) -> Attack:
    """Put one line into the head of the true answer."""

    async def attack(exchange: Exchange) -> None:
        body = exchange.response.body
        await exchange.send(JSON_HEAD + line + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return attack


def _framed(*lines: bytes) -> Attack:
    """Frame the true answer by these lines."""

    async def attack(exchange: Exchange) -> None:
        body = exchange.response.body
        # Behind the body: a second answer, for a client that takes the shorter length.
        behind = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        head = b"".join(line.replace(b"@", b"%d" % len(body)) + b"\r\n" for line in lines)
        await exchange.send(JSON_HEAD + head + b"\r\n" + body + behind)

    return attack


HEADERS: dict[str, Attack] = {
    "headers-endless": endless(JSON_HEAD, lambda number: b"X-%d: %b\r\n" % (number, b"x" * 500)),
    "headers-endless-line": endless(JSON_HEAD + b"X: ", lambda _: b"x" * 4096),
    "headers-many": raw(JSON_HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(1000)) + b"\r\n{}"),
    "headers-nul": _with_line(b"X-Evil: a\x00b"),
    "headers-del": _with_line(b"X-Evil: a\x7fb"),
    "headers-control": _with_line(b"X-Evil: a\x01\x08\x1b[31mb"),
    "headers-8-bit": _with_line(b"X-Evil: \xff\xfe\x80"),
    "headers-folded": _with_line(b"X-Evil: a\r\n Transfer-Encoding: chunked\r\n\tb"),
    "headers-bare-cr": _with_line(b"X-Evil: a\rSet-Cookie: evil=1"),
    "headers-bare-lf": _with_line(b"X-Evil: a\nSet-Cookie: evil=1; Domain=local"),
    "headers-no-colon": _with_line(b"a line without a colon"),
    "headers-no-name": _with_line(b": evil"),
    "headers-space-in-name": _with_line(b"Content Length : 3"),
    "headers-two-lengths": _framed(b"Content-Length: @", b"Content-Length: 5"),
    "headers-equal-lengths": _framed(b"Content-Length: @", b"Content-Length: @"),
    "headers-length-and-chunked": _framed(b"Content-Length: @", b"Transfer-Encoding: chunked"),
    "headers-length-negative": _framed(b"Content-Length: -1"),
    "headers-length-huge": _framed(b"Content-Length: 99999999999999999999"),
    "headers-length-too-large": _framed(b"Content-Length: 9000000000"),
    "headers-length-short": _framed(b"Content-Length: 9"),
    "headers-two-encodings": _framed(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"),
    "headers-unknown-encoding": _framed(b"Transfer-Encoding: evil"),
    "headers-acting": changed(
        lambda response: replace(response, headers=(*response.headers, *ACTING))
    ),
    "headers-two-types": changed(lambda response: replace(
        response, headers=(("Content-Type", "text/html"), *response.headers))),
}  # fmt: skip
