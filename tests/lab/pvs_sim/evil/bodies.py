"""Bodies: too long, cut off, packed, too deep, with values of other types."""

from __future__ import annotations

import itertools
import json
import math
import struct
import zlib
from dataclasses import replace
from functools import cache
from typing import Any

from ..wire import Response
from .kind import JSON_HEAD, Attack, Exchange, changed, endless, leaves, raw

_MIB = 1024 * 1024
_PANELS = 12_000
_DEEP = b'{"result": "succeed", "devices": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
_WRONG: tuple[Any, ...] = (None, True, [], {}, -7, 0.5, [[["x"]]], {"a": {"b": []}}, "", False)
_NOT_NUMBERS = (
    "NaN",
    "nan",
    "Infinity",
    "-inf",
    "1e400",
    "0x1F",
    "1_000",
    "١٢",
    math.nan,
    math.inf,
)
_HUGE = ("9" * 5000, "1e308", "-1e308", "1e999999999", 10**4000, "1e-9999", 1e308, "4294967296")


@cache
def _bomb() -> bytes:
    """Return 256 MiB of spaces in 260 kB: one compressed block, repeated."""
    spaces, count = b" " * _MIB, 256
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(spaces) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(count):
        check = zlib.crc32(spaces, check)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + block * count + b"\x03\x00" + struct.pack("<II", check, count * _MIB)


async def _truncated(exchange: Exchange) -> None:
    body = exchange.response.body
    await exchange.send(JSON_HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
    await exchange.send(body[: len(body) // 2])


def _packed(response: Response) -> Response:
    return replace(
        response, body=_bomb(), headers=(*response.headers, ("Content-Encoding", "gzip"))
    )


def _body(body: bytes) -> Attack:
    return changed(lambda response: replace(response, body=body))


def _many_panels(response: Response) -> Response:
    """Repeat the panels of a device list or of a list of variables, with other serial numbers."""
    try:
        data: Any = json.loads(response.body)
    except ValueError:
        return response
    if not isinstance(data, dict):
        return response
    if isinstance(data.get("devices"), list):
        inverters = [each for each in data["devices"] if each.get("DEVICE_TYPE") == "Inverter"]
        data["devices"] += [
            {**inverters[0], "SERIAL": f"E{number:015}"} for number in range(_PANELS)
        ]
    elif isinstance(data.get("values"), list):
        panel = [
            v for v in data["values"] if str(v.get("name")).startswith("/sys/devices/inverter/0/")
        ]
        for number, each in itertools.product(range(100, 100 + _PANELS), panel):
            name = each["name"].replace("/0/", f"/{number}/")
            value = f"E{number:015}" if name.endswith("/sn") else each["value"]
            data["values"].append({"name": name, "value": value})
        data["count"] = len(data["values"])
    return replace(response, body=json.dumps(data).encode())


def _duplicate_keys(response: Response) -> Response:
    """Name every key twice; the first value is the true one."""
    text = response.body.decode()
    for key in ("devices", "values", "result", "session", "count"):
        text = text.replace(f'"{key}":', f'"{key}": "first", "{key}":', 1)
    for key in ("SERIAL", "p_3phsum_kw", "value", "STATE"):
        text = text.replace(f'"{key}":', f'"{key}": "1", "{key}":')
    return replace(response, body=text.encode())


def _invalid_utf8(response: Response) -> Response:
    broken = response.body.replace(b'": "', b'": "\xff\xfe\xc0\xaf')
    return replace(response, body=broken if broken != response.body else b"\xff" + broken)


BODIES: dict[str, Attack] = {
    "body-endless": endless(JSON_HEAD + b"\r\n" + b'{"result": "succeed", "devices": [',
                            lambda _: b'{"SERIAL": "x"},' * 1000),
    "body-endless-space": endless(JSON_HEAD + b"\r\n", lambda _: b" " * 65536),
    "body-truncated": _truncated,
    "body-gzip-bomb": changed(_packed),
    "body-deep-json": _body(_DEEP),
    "body-wrong-types": leaves(lambda _key, _value, number: _WRONG[number % len(_WRONG)]),
    "body-wrong-envelope": _body(
        b'{"result": ["succeed"], "devices": {"0": 1}, "values": {"a": 1}, '
        b'"count": "1", "session": 7, "supervisor": [1]}'
    ),
    "body-nan": leaves(lambda _key, _value, number: _NOT_NUMBERS[number % len(_NOT_NUMBERS)]),
    "body-huge-numbers": leaves(lambda _key, _value, number: _HUGE[number % len(_HUGE)]),
    "body-duplicate-keys": changed(_duplicate_keys),
    "body-12000-panels": changed(_many_panels),
    "body-invalid-utf8": changed(_invalid_utf8),
    "body-utf16": changed(
        lambda response: replace(response, body=response.body.decode().encode("utf-16"))
    ),
    "body-empty": _body(b""),
    "body-html": raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
                     b"<script>alert(1)</script>"),
    "body-zero-length": raw(JSON_HEAD + b"Content-Length: 0\r\n\r\n" + b'{"result": "succeed"}'),
}  # fmt: skip
