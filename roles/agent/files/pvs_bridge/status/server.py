"""Serve haproxy at a Unix socket, one short request after the other.

haproxy is the web server of the home and forwards only complete requests for known paths. So this
server needs neither threads nor keep-alive, and parses only the first line.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pvs_bridge.history.totals import PERIODS
from pvs_bridge.status.document import Documents
from pvs_bridge.status.history import History
from pvs_bridge.status.metrics import text_of

_LONGEST_HEAD = 65536
_TIMEOUT_SECONDS = 5.0
_CRLF = "\r\n"


def listen(path: Path) -> socket.socket:
    """Return a socket that listens at a path; it replaces one of an earlier process.

    Raises:
        OSError: The socket cannot be created.
    """
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    # For haproxy, which is in the group; the unit's UMask removes these bits.
    path.chmod(0o660)
    listener.listen(32)
    return listener


def serve(listener: socket.socket, documents: Documents, history: History) -> None:
    """Answer requests for ever, whatever clients do."""
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_TIMEOUT_SECONDS)
            connection.sendall(answer(_head(connection), documents, history))


def _head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
        piece = connection.recv(4096)
        if not piece:
            break
        head += piece
    return head


def answer(head: bytes, documents: Documents, history: History) -> bytes:
    """Return the complete answer to a request.

    Args:
        head: The request's lines.
        documents: The content.
        history: The days before today.
    """
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    method, target = words[:2] if len(words) == 3 else ("", "")
    if method not in ("GET", "HEAD"):
        return _answer("GET", "405 Method Not Allowed", "text/plain", "GET or HEAD only\n")
    path, _, query = target.partition("?")
    if path == "/bridge/status.json":
        text = f"{json.dumps(_document(documents), ensure_ascii=False)}\n"
        return _answer(method, "200 OK", "application/json", text)
    if path == "/bridge/metrics":
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return _answer(method, "200 OK", kind, text_of(_document(documents)))
    if path == "/bridge/history.json":
        period = dict(parse_qsl(query)).get("of")
        found = history.summary(time.time()) if period is None else history.detail(period)
        if found is not None:
            return _answer(method, "200 OK", "application/json", f"{found}\n")
    if path == "/bridge/history.csv":
        period = dict(parse_qsl(query)).get("by", "day")
        if period in PERIODS:
            return _answer(method, "200 OK", "text/csv; charset=utf-8", history.csv(period))
    # haproxy forwards no other paths, so the query is wrong.
    error = {
        "result": "error",
        "error": "There is nothing for this query.",
        "hint": "Use ?of=2026-06-21, ?of=2026-06 or ?of=2026 for history.json, and ?by=day, "
        "?by=month or ?by=year for history.csv.",
    }
    return _answer(method, "404 Not Found", "application/json", f"{json.dumps(error)}\n")


def _document(documents: Documents) -> dict[str, Any]:
    return documents.make(time.clock_gettime(time.CLOCK_BOOTTIME), time.time())


def _answer(method: str, status: str, kind: str, text: str) -> bytes:
    body = text.encode()
    head = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return _CRLF.join([*head, "", ""]).encode() + (b"" if method == "HEAD" else body)


def tell_systemd() -> None:
    """Tell systemd that the socket listens, if systemd has started this program."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)
