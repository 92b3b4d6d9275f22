"""The port of the live data passes only WebSockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from bridges.proxy.home import Home

Serve = Callable[..., Home]

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.mark.parametrize(
    "request_line",
    [
        "POST /cgi-bin/dl_cgi?Command=StartFWUpgrade",
        "GET /cgi-bin/dl_cgi?Command=SetAP",
        "GET /",
        "HEAD /",
        "PUT /",
    ],
)
@pytest.mark.parametrize("more", ["", "Upgrade: h2c\r\n", "Connection: Upgrade\r\n"])
def test_the_live_data_port_passes_only_websockets(
    serve: Serve, request_line: str, more: str
) -> None:
    home = serve()
    text = f"{request_line} HTTP/1.1\r\nHost: bridge\r\n{more}Content-Length: 0\r\n\r\n"
    answer = home.exchange(text.encode(), port=9002, timeout_seconds=1)
    assert answer[9:12] == b"403"
    assert b"WebSocket" in answer or request_line.startswith("HEAD ")


@pytest.mark.parametrize(
    "request_line",
    ["POST /", "GET /cgi-bin/dl_cgi?Command=SetAP", "GET /vars?set=/sys/telemetryws/enable=1"],
)
def test_a_websocket_cannot_carry_a_command(serve: Serve, request_line: str) -> None:
    home = serve()
    text = (
        f"{request_line} HTTP/1.1\r\nHost: bridge\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
    answer = home.exchange(text.encode(), port=9002, timeout_seconds=1)
    # haproxy itself refuses a WebSocket with another method than GET.
    assert answer[9:12] in {b"400", b"403"}
    assert b'"hint"' in answer
