"""All known ways to spell a write request, sent byte by byte.

Each spelling has a number in its own header, by which the record of the receiver identifies it.
Spellings include queries and bodies that only a careless parser would read as a write.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proxy_rig.rendering import PROJECT
from pvs_sim.commands import COMMANDS

_CONFIGURATION = PROJECT / "roles/proxy/templates/etc/haproxy/haproxy.cfg.j2"
_SIZE = re.search(r"^ *tune\.bufsize (\d+)", _CONFIGURATION.read_text(), re.MULTILINE)
BUFFER = int(_SIZE[1]) if _SIZE else 16_384
"""Of a request, haproxy keeps so many bytes in mind."""

MARK = "X-Spelling"
CGI = b"/cgi-bin/dl_cgi"
READ = b"Command=DeviceList"
MATCH = b"match=serialnum"


@dataclass(frozen=True)
class Spelling:
    """One way.

    Attributes:
        number: by which the record knows it.
        family: what it plays with.
        data: what is sent.
    """

    number: int
    family: str
    data: bytes

    def __str__(self) -> str:
        """Name it so that it can be sent again."""
        return f"{self.number} ({self.family}): {self.data[:600]!r}"


@dataclass(frozen=True)
class Write:
    """One thing that must not be done.

    Attributes:
        path: of the program that does it.
        query: what has it do it.
        read: a query of the same program that only reads.
    """

    path: bytes
    query: bytes
    read: bytes

    @property
    def target(self) -> bytes:
        """Path and query."""
        return self.path + b"?" + self.query


WRITES = [
    *(
        Write(CGI, b"Command=" + name.encode(), READ)
        for name, command in COMMANDS.items()
        if command.writes
    ),
    Write(b"/vars", b"set=/sys/telemetryws/enable=1", MATCH),
]
_SHORT = Write(CGI, b"Command=SetAP", READ)
_FEW = [_SHORT, WRITES[-1]]

Made = Iterator[tuple[str, bytes]]


def request(
    target: bytes,
    *more: bytes,
    method: bytes = b"GET",
    version: bytes = b"HTTP/1.1",
    host: bytes = b"bridge",
    body: bytes = b"",
    close: bool = True,
) -> bytes:
    """A request with its mark.

    Args:
        target: as it stands in the request line.
        more: header lines.
        method: in the request line.
        version: in the request line.
        host: named in the header.
        body: sent as it is; a header line has to announce it.
        close: whether the connection ends with it.
    """
    lines = [b" ".join([method, target, version]), b"Host: " + host, MARK.encode() + b": @mark@"]
    if close:
        lines.append(b"Connection: close")
    return b"\r\n".join([*lines, *more, b"", b""]) + body


def form(text: bytes) -> tuple[bytes, bytes]:
    """The header lines that announce a body like a query."""
    return b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(text)


def chunks(*texts: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    """A body in chunks."""
    made = [b"%x%b\r\n%b\r\n" % (len(text), extension, text) for text in texts]
    return b"".join(made) + b"0\r\n" + trailer + b"\r\n"


# Queries


def _repeated() -> Made:
    """The write beside a read, in both orders, with all possible separators."""
    separators = (b"&", b";", b"?", b"#", b"&&", b"&;", b"%26", b"%3B", b"%3F", b"%23", b"&amp;",
                  b"&%20", b"&+", b"%00&", b"%0A&", b"%0D%0A", b",", b"|", b"/?",
                  b"=&")  # fmt: skip
    for write, separator in itertools.product(WRITES, separators):
        for first, second in ((write.query, write.read), (write.read, write.query)):
            yield "repeated", request(write.path + b"?" + first + separator + second)


def _framed() -> Made:
    """Something before or behind the write."""
    behind = (b"&", b";", b"?", b"#", b"#x", b"%20", b"+", b"%00", b"%00x", b"%0a", b"%0d%0a",
              b"%09", b"/", b".", b" ", b"\t", b"\x0b", b"\x00", b"\x7f", b"\xa0", b"&x=1", b"=",
              b"&Command", b"&Type=x&SerialNumber=ZT180")  # fmt: skip
    before = (b"&", b";", b"?", b"%20", b"+", b"x=1&", b"x&", b"%00", b"#", b"=&", b"%26", b"/?",
              b"\t", b" ", b"&=&", b"a=%zz&")  # fmt: skip
    for write in _FEW:
        for extra in behind:
            yield "behind", request(write.target + extra)
        for extra in before:
            yield "before", request(write.path + b"?" + extra + write.query)


def _case() -> Made:
    """Other letters for the parameter, the path and the value."""
    for write in WRITES:
        name, equals, value = write.query.partition(b"=")
        for spelt in (name.lower(), name.upper(), name.swapcase()):
            yield "case", request(write.path + b"?" + spelt + equals + value)
        for path in (write.path.upper(), write.path.title()):
            yield "case", request(path + b"?" + write.query)
        yield "case", request(write.path + b"?" + name + equals + value.lower())


def _overlong(byte: int) -> bytes:
    """A byte below 128 in two bytes, as UTF-8 forbids it."""
    return b"%%%02X%%%02X" % (0xC0 | byte >> 6, 0x80 | byte & 0x3F)


def _encoded() -> Made:
    """Each position written in another way, and all of them."""
    ways: dict[str, Callable[[int], bytes]] = {
        "percent": lambda byte: b"%%%02X" % byte,
        "percent in small letters": lambda byte: b"%%%02x" % byte,
        "percent twice": lambda byte: b"%%25%02X" % byte,
        "overlong": _overlong,
        "percent u": lambda byte: b"%%u%04X" % byte,
    }
    for name, way in ways.items():
        for write in _FEW:
            target = write.target.removesuffix(b"/sys/telemetryws/enable=1")
            rest = write.target[len(target) :]
            for position in range(1, len(target)):
                spelt = target[:position] + way(target[position]) + target[position + 1 :]
                yield name, request(spelt + rest)
        for write in WRITES:
            yield name, request(write.path + b"?" + b"".join(map(way, write.query)))


# Paths


def _paths() -> Made:
    """Other ways to the same program."""
    for write in _FEW:
        name = write.path.rpartition(b"/")[2]
        folder = write.path[: -len(name)]
        for path in (
            b"/" + write.path, b"/." + write.path, b"/x/.." + write.path, b"/.." + write.path,
            b"/static/.." + write.path, b"/static/..%2f" + write.path[1:], b"/%2e" + write.path,
            b"/%2e%2e" + write.path, b"/static/%2e%2e" + write.path, b"\\" + write.path[1:],
            b"/\\" + write.path[1:], b"/static\\.." + write.path, b"//x/.." + write.path,
            folder + b"/" + name, folder + b"./" + name, folder + b"x/../" + name,
            folder + b"%2e/" + name, folder + name + b"/", folder + name + b"//",
            folder + name + b"/.", folder + name + b"/x/..", folder + name + b"%2f",
            folder + name + b"%2F", folder + name + b".", folder + name + b"%20",
            folder + name + b"%00", folder + name + b"%00.css", folder + name + b"\x00",
            folder + name + b";x", folder + name + b";x=.css", folder + name + b"/x.css",
            folder + name + b"#/x.css", folder + name + b"\t", folder + name + b"%09",
            folder + name + b"%0a", folder + name + b"%3f", folder + name + b"%ff", write.path[1:],
            b"/%63gi-bin/../" + write.path, write.path.replace(b"/", b"%2f"),
            b"./" + write.path[1:],
        ):  # fmt: skip
            yield "path", request(path + b"?" + write.query)
    for write in WRITES:
        for path in (CGI + b"/devices/list", CGI + b"/supervisor/info", CGI + b"/", CGI + b"/x.css",
                     CGI + b"/index.html", b"/vars/", b"/vars/x/..", b"/auth", b"/cgi-bin/",
                     b"*"):  # fmt: skip
            yield "path", request(path + b"?" + write.query)
        yield "path", request(b"/vars?" + write.query + b"&" + MATCH)
        yield "path", request(b"/auth?login&" + write.query)


def _absolute() -> Made:
    """Whole addresses in the request line."""
    for write in WRITES:
        for before, host in (
            (b"http://bridge", b"bridge"), (b"http://bridge:80", b"bridge:80"),
            (b"http://evil.example", b"bridge"), (b"http://evil.example", b"evil.example"),
            (b"http://user:word@bridge", b"bridge"), (b"http://bridge@evil.example", b"bridge"),
            (b"HTTP://BRIDGE", b"bridge"), (b"https://bridge", b"bridge"),
            (b"ftp://bridge", b"bridge"), (b"http://", b"bridge"), (b"http:", b"bridge"),
            (b"http:/", b"bridge"), (b"//bridge", b"bridge"),
            (b"http://172.27.153.1", b"172.27.153.1"), (b"http://172.27.153.1", b"bridge"),
            (b"http://bridge/..", b"bridge"),
        ):  # fmt: skip
            yield "absolute", request(before + write.target, host=host)
        yield "absolute", request(b"http://bridge?" + write.query)


# Methods and bodies


def _methods() -> Made:
    """The write by any method, with and without a body."""
    methods = (b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT",
               b"get", b"PROPFIND", b"M-SEARCH", b"GET\t", b"GE\x00T", b" GET", b"X")  # fmt: skip
    for write, method in itertools.product(WRITES, methods):
        yield "method", request(write.target, method=method)
        yield "method", request(write.target, b"Content-Length: 0", method=method)


def _bodies() -> Made:
    """The write in a body, behind a target that only reads."""
    targets = (CGI, CGI + b"?" + READ, CGI + b"/devices/list", b"/", b"/static/app.js", b"/vars",
               b"/vars?" + MATCH, b"/auth?login")  # fmt: skip
    methods = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE")
    for write, target, method in itertools.product(_FEW, targets, methods):
        text = write.query
        yield "body", request(target, *form(text), method=method, body=text)
        yield "body", request(target, _CHUNKED[0], method=method, body=chunks(text))
    for write in WRITES:
        for text in (MATCH + b"&" + write.query, write.query + b"&" + MATCH,
                     b"match=x;" + write.query, MATCH + b"\n&" + write.query,
                     MATCH + b"\x00&" + write.query, MATCH + b"%26" + write.query,
                     b"\r\n" + write.query):  # fmt: skip
            yield "body", request(b"/vars", *form(text), method=b"POST", body=text)
            yield "body", request(CGI, *form(text), method=b"POST", body=text)
    text = WRITES[-1].query
    half = len(text) // 2
    for body in (chunks(text[:half], text[half:]), chunks(text, extension=b";x=y"),
                 chunks(text, trailer=b"Content-Length: 0\r\n"),
                 chunks(*map(bytes, zip(text)))):  # fmt: skip
        yield "chunks", request(b"/vars", _CHUNKED[0], method=b"POST", body=body)
        yield "chunks", request(CGI + b"?" + READ, _CHUNKED[0], body=body)


def _devices() -> Made:
    """A device list that is sent, not asked for."""
    body = b'{"devices": []}'
    for method in (b"POST", b"PUT", b"DELETE"):
        for path in (b"/devices/list", b"/devices/list/", b"//devices/list", b"/devices/./list",
                     b"/devices/list?x", b"/devices%2flist"):  # fmt: skip
            yield "devices", request(CGI + path, *form(body), method=method, body=body)
            yield "devices", request(CGI + path, method=method)
    for name in _OVERRIDES:
        yield "devices", request(CGI + b"/devices/list", name + b": POST")


_OVERRIDES = (b"X-HTTP-Method-Override", b"X-HTTP-Method", b"X-Method-Override", b"_method")
_REDIRECTS = (b"X-Original-URL", b"X-Rewrite-URL", b"X-Forwarded-Host", b"Forwarded", b"Referer")


def _headers() -> Made:
    """The write in a header that some server might read instead of the request line."""
    for write in _FEW:
        for target in (b"/", CGI, CGI + b"?" + READ, b"/vars?" + MATCH):
            for name in _REDIRECTS:
                yield "header", request(target, name + b": " + write.target)
        for name in _OVERRIDES:
            posting = (name + b": POST", *form(write.query))
            yield "header", request(write.path, *posting, body=write.query)
        for more in (
            (b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__",
             b"Connection: Upgrade, HTTP2-Settings"),
            (b"Upgrade: websocket", b"Connection: Upgrade"),
            (b"Upgrade: TLS/1.0", b"Connection: Upgrade"),
            (b"Expect: 100-continue",),
            (b"Range: bytes=0-0",),
            (b"Connection: Host, Content-Length",),
            (b"Max-Forwards: 0",),
        ):  # fmt: skip
            yield "header", request(write.target, *more)
            body = request(write.target)
            yield "header", request(write.path + b"?" + write.read, *more, close=False) + body
        for expect in (b"100-continue", b"100-Continue, x"):
            expecting = (b"Expect: " + expect, *form(write.query))
            yield "header", request(write.path, *expecting, method=b"POST", body=write.query)


# Where one request ends and the next begins

_CHUNKED = (
    b"Transfer-Encoding: chunked", b"Transfer-Encoding:chunked", b"Transfer-Encoding:  chunked",
    b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: chunked ", b"Transfer-Encoding: Chunked",
    b"transfer-encoding: CHUNKED", b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked",
    b" Transfer-Encoding: chunked", b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding:\n chunked", b"Transfer-Encoding: x\r\n chunked",
    b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked",
    b"X: y\r\n\tTransfer-Encoding: chunked", b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: chunked;q=1",
    b'Transfer-Encoding: "chunked"', b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx", b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: \x0cchunked", b"Transfer-Encoding: chun\x00ked",
    b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", b"Transfer_Encoding: chunked",
    b"Transfer-Encoding\x00: chunked", b"TE: chunked", b"Transfer-Encoding: identity",
    b"Transfer-Encoding:", b"Transfer-Encoding",
)  # fmt: skip


def _lengths(length: int) -> tuple[bytes, ...]:
    """Content-Length as it should not be written; some are read as none, some as this."""
    values = (
        b"+%d", b"-%d", b" %d", b"%d ", b"\t%d", b"%d, 0", b"0, %d", b"%d, %d", b"%d,", b"0x%x",
        b"00%d", b"%d.0", b"%de0", b"%d\x00", b"%d\x0b", b"%d;0", b"%d\r\n 0", b"\r\n %d", b'"%d"',
        b"0\r\nContent-Length: %d", b"%d\r\nContent-Length: 0", b"%d\nContent-Length: 0",
    )  # fmt: skip
    spelt = [b"Content-Length: " + value % ((length,) * value.count(b"%")) for value in values]
    others = (b"Content-Length : %d", b" Content-Length: %d", b"Content_Length: %d",
              b"X: y\nContent-Length: %d", b"Content-Length\x00: %d",
              b"Content-Length%d: 0")  # fmt: skip
    huge = (2**31, 2**32, 2**32 + length, 2**63, 2**64, 2**64 + length, 10**30)
    return (
        *spelt,
        *(other % length for other in others),
        *(b"Content-Length: %d" % number for number in huge),
    )


def _smuggled() -> Made:
    """A request in the body of another: two readers who disagree see two or one."""
    for write in _FEW:
        inner = request(write.target)
        for outer in (write.path + b"?" + write.read, b"/vars"):
            method = b"POST" if outer == b"/vars" else b"GET"
            ended = b"0\r\n\r\n" + inner
            hidden = chunks(MATCH + inner)
            for chunked in _CHUNKED:
                both = (b"Content-Length: %d" % len(ended), chunked)
                yield "length and chunks", request(outer, *both, method=method, body=ended)
                both = (chunked, b"Content-Length: 4")
                yield "chunks and length", request(outer, *both, method=method, body=hidden)
            for length in _lengths(len(MATCH + inner)):
                yield "length", request(outer, length, method=method, body=MATCH + inner)
            for body in (
                chunks(MATCH) + inner, b"%x\r\n%b\r\n\r\n" % (len(MATCH), MATCH) + inner,
                b"-1\r\n" + inner, b"+0\r\n\r\n" + inner, b"0x0\r\n\r\n" + inner, b"\r\n" + ended,
                b"0;" + b"x" * 100 + b"\r\n\r\n" + inner, b"0\n\n" + inner, b"0\r\n\n" + inner,
                b"0\r\nX: y\n\n" + inner, b"10000000000000000\r\n" + inner, b"0\r\r\n" + inner,
                b"100000000\r\n" + inner, b"0 \r\n\r\n" + inner, b" 0\r\n\r\n" + inner,
                b"%x\r\n" % len(inner) + inner, b"f;\n" + MATCH + inner,
            ):  # fmt: skip
                yield "chunks", request(outer, _CHUNKED[0], method=method, body=body)


def _pipelined() -> Made:
    """The write behind a request that is answered."""
    for write in WRITES:
        tail = request(write.target)
        for first in (
            request(write.path + b"?" + write.read, close=False),
            request(b"/", close=False),
            request(b"/", method=b"HEAD", close=False),
            request(CGI + b"?" + READ, method=b"HEAD", close=False),
            request(b"/none.js", close=False),
            request(write.target, close=False),
            request(b"*", method=b"OPTIONS", close=False),
            request(b"bridge:80", method=b"CONNECT", close=False),
            request(b"/", version=b"HTTP/1.0", close=False),
            request(b"/", b"Connection: keep-alive", version=b"HTTP/1.0", close=False),
            request(b"/vars", *form(MATCH), method=b"POST", body=MATCH, close=False),
            request(b"/", b"Content-Length: 0", close=False),
        ):
            yield "pipelined", first + tail
            if write in _FEW:
                yield "pipelined", first + b"\r\n" + tail
                yield "pipelined", first.replace(b"\r\n", b"\n") + tail


# The form of a request


def _forms() -> Made:
    """Request lines and line ends as no standard has them."""
    for write in WRITES:
        plain = request(write.target)
        for data in (
            plain.replace(b"\r\n", b"\n"), plain.replace(b"\r\n", b"\r"), b"\r\n" + plain,
            b"\n\n" + plain, b" " + plain, b"\x00" + plain, b"\xef\xbb\xbf" + plain,
            plain.replace(b" ", b"\t", 2), plain.replace(b" ", b"  ", 2), plain[:-2], plain[:-4],
            plain.replace(b"\r\nHost", b"\n\rHost", 1), plain.replace(b"\r\n", b"\r\n X: y\r\n", 1),
            plain.replace(b"Host: ", b"Host : ", 1), plain.replace(b"Host: ", b": ", 1),
            plain.replace(b"Host: bridge", b"Host: bridge\r\n folded", 1),
            b"GET " + write.target + b"\r\n", b"GET " + write.target + b"\r\n\r\n",
            b"GET " + write.target + b"\n", b"GET " + write.target + b" \r\n\r\n",
            b"GET " + write.path + b"?" + write.read + b" " + write.target + b" HTTP/1.1\r\n\r\n",
        ):  # fmt: skip
            yield "form", data
        for version in (b"HTTP/0.9", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/9.9",
                        b"http/1.1", b"HTTP/1.1 x", b"HTTP/1.", b"HTTP/01.1", b"HTTP/1.10",
                        b"RTSP/1.0", b"HTTP", b"HTTP/1.1\x00"):  # fmt: skip
            yield "version", request(write.target, version=version)


def _oversized() -> Made:
    """The write behind more than haproxy keeps in mind."""
    for write in _FEW:
        for length in (1000, 8000, *(BUFFER + more for more in (-2400, -1100, -400, 0, 4000))):
            padding = b"x" * length
            behind = write.read + b"&x=" + padding + b"&" + write.query
            yield "oversized", request(write.path + b"?" + behind)
            yield "oversized", request(write.target + b"&x=" + padding)
            many = b"\r\n".join(
                b"X-%d: %b" % (index, padding[:900]) for index in range(length // 900)
            )
            yield "oversized", request(write.target, many or b"X: y")
            yield "oversized", request(write.target, b"Cookie: " + padding)
            body = b"match=" + padding + b"&" + write.query
            for path in (b"/vars", CGI):
                yield "oversized", request(path, *form(body), method=b"POST", body=body)
                yield "oversized", request(path, *form(body), body=body)
    # A body of which only the beginning is in sight behind its head.
    lengths = range(BUFFER - 4400, BUFFER - 400, 200)
    for write, length, size in itertools.product(_FEW, lengths, (600, 6000)):
        # Fewer lines than the 101 that haproxy takes.
        head = [b"X-%02d: %b" % (index, b"x" * (length // 80 - 8)) for index in range(80)]
        text = MATCH + b"&match=" + b"x" * size + b"&" + write.query
        yield "oversized", request(b"/vars", *head, *form(text), method=b"POST", body=text)


# HTTP/2, which a server may speak at once if a client does

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame of HTTP/2."""
    length, number = len(payload).to_bytes(3, "big"), stream.to_bytes(4, "big")
    return length + bytes([kind, flags]) + number + payload


def _fields(*pairs: tuple[bytes, bytes]) -> bytes:
    """Header fields of HTTP/2, none of them compressed."""
    texts = (text for pair in pairs for text in pair)
    sized = [bytes([len(text)]) + text for text in texts]
    return b"".join(b"\x00" + sized[index] + sized[index + 1] for index in range(0, len(sized), 2))


def _modern(method: bytes, target: bytes, body: bytes | None, *more: tuple[bytes, bytes]) -> bytes:
    """A request in HTTP/2."""
    head = _fields((b":method", method), (b":scheme", b"http"), (b":path", target),
                   (b":authority", b"bridge"), (MARK.lower().encode(), b"@mark@"),
                   *more)  # fmt: skip
    frames = _frame(4, 0, 0, b"") + _frame(1, 4 if body is not None else 5, 1, head)
    return frames + (b"" if body is None else _frame(0, 1, 1, body))


def _second_version() -> Made:
    """The write in HTTP/2, alone and as the body of what reads."""
    for write in WRITES:
        for start in (_PREFACE, request(b"/", close=False) + _PREFACE):
            yield "HTTP/2", start + _modern(b"GET", write.target, None)
            for method, target in ((b"GET", CGI + b"?" + READ), (b"GET", CGI), (b"HEAD", CGI),
                                   (b"POST", b"/vars"), (b"GET", b"/vars?" + MATCH),
                                   (b"GET", CGI + b"/devices/list")):  # fmt: skip
                yield "HTTP/2", start + _modern(method, target, write.query)
                length = (b"content-length", b"%d" % len(write.query))
                yield "HTTP/2", start + _modern(method, target, write.query, length)
    inner = request(_SHORT.target)
    for pair in ((b"transfer-encoding", b"chunked"), (b"x", b"y\r\n\r\n" + inner[:60]),
                 (b"x: y\r\nz", b"1"), (b"content-length", b"0"),
                 (b"connection", b"close")):  # fmt: skip
        yield "HTTP/2", _PREFACE + _modern(b"GET", CGI + b"?" + READ, inner, pair)
    for target in (CGI + b"?" + READ + b" HTTP/1.1\r\nX: y", CGI + b"?" + READ + b"\n"):
        yield "HTTP/2", _PREFACE + _modern(b"GET", target, inner)
    yield "HTTP/2", _PREFACE + _modern(b"GET / HTTP/1.1\r\n\r\nGET", _SHORT.target, None)


_UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
)


def live(data: bytes) -> bytes:
    """Make a spelling ask for live data too, as far as its header can."""
    return data.replace(b"Connection: close", _UPGRADE)


def corpus() -> list[Spelling]:
    """Every spelling, each with its mark."""
    families = (
        _repeated, _framed, _case, _encoded, _paths, _absolute, _methods, _bodies, _devices,
        _headers, _smuggled, _pipelined, _forms, _oversized, _second_version,
    )  # fmt: skip
    made = dict.fromkeys(itertools.chain.from_iterable(family() for family in families))
    return [
        # As long as what stands for it: lengths are counted already.
        Spelling(number, family, data.replace(b"@mark@", b"%06d" % number))
        for number, (family, data) in enumerate(made)
    ]
