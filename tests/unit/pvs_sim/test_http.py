"""HTTP and HTTPS on the wire: versions, connections, framing, static files, bad requests."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pvs_sim.client import Answer, exchange, fetch, unverified_tls

if TYPE_CHECKING:
    from pvs_sim import Simulator

Boot = Callable[..., "Simulator"]
Ask = Callable[..., Answer]
INFO = "/cgi-bin/dl_cgi/supervisor/info"


def get(path: str, version: str = "HTTP/1.1", *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} {version}", "Host: x", *headers, "", ""]).encode()


def test_one_connection_serves_many_requests(boot: Boot) -> None:
    sim = boot()
    connection = http.client.HTTPConnection("127.0.0.1", sim.ports["http"] or 0)
    for _ in range(3):
        connection.request("GET", INFO)
        assert json.loads(connection.getresponse().read())["result"] == "succeed"
    connection.close()
    stats = sim.stats()
    assert (stats["connections"], stats["requests"]) == (1, 3)


def test_pipelined_requests_are_answered_in_order(boot: Boot) -> None:
    sim = boot()
    both = get(INFO) + get("/static/app.css", "HTTP/1.1", "Connection: close")
    answer = exchange(sim.ports["http"] or 0, both)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b"supervisor") < answer.index(b"text/css")
    assert sim.stats()["most_in_flight"]["total"] == 1


def test_http_1_0_closes_unless_asked_to_stay(boot: Boot) -> None:
    port = boot().ports["http"] or 0
    assert exchange(port, get(INFO, "HTTP/1.0")).startswith(b"HTTP/1.0 200 OK\r\n")
    kept = exchange(port, get(INFO, "HTTP/1.0", "Connection: keep-alive") + get(INFO, "HTTP/1.0"))
    assert kept.count(b"HTTP/1.0 200 OK") == 2
    assert b"\r\nConnection: keep-alive\r\n" in kept


def test_a_head_request_gets_the_headers_alone(boot: Boot) -> None:
    sim = boot()
    whole = fetch(sim.http_url + INFO)
    head = fetch(sim.http_url + INFO, method="HEAD")
    assert head.body == b""
    assert head.header("Content-Length") == str(len(whole.body))


@pytest.mark.parametrize(
    ("framing", "header"),
    [("length", "Content-Length"), ("chunked", "Transfer-Encoding"), ("close", "Connection")],
)
def test_the_end_of_a_body_can_be_told_in_three_ways(
    boot: Boot, ask: Ask, framing: str, header: str
) -> None:
    answer = ask(boot(panels=1, framing=framing), "DeviceList")
    told = {"Content-Length", "Transfer-Encoding", "Connection"} & {n for n, _ in answer.headers}
    assert told == {header}
    assert len(answer.json()["devices"]) == 4


def test_http_1_0_is_never_answered_in_chunks(boot: Boot) -> None:
    answer = exchange(boot(framing="chunked").ports["http"] or 0, get(INFO, "HTTP/1.0"))
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"chunked" not in head
    assert json.loads(body)["result"] == "succeed"


def test_an_idle_connection_is_closed_after_a_while(boot: Boot) -> None:
    sim = boot(keepalive_seconds=0.1)
    begun = time.monotonic()
    assert exchange(sim.ports["http"] or 0, b"") == b""
    assert time.monotonic() - begun > 0.05


def test_https_serves_the_same_with_a_self_signed_certificate(boot: Boot) -> None:
    sim = boot(https_port=0)
    answer = fetch(sim.https_url + INFO)
    assert answer.json() == fetch(sim.http_url + INFO).json()
    assert {record["listener"] for record in sim.log()} == {"http", "https"}
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl_connect(sim.ports["https"] or 0, ssl.create_default_context())
    ssl_connect(sim.ports["https"] or 0, unverified_tls())


def ssl_connect(port: int, context: ssl.SSLContext) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        context.wrap_socket(raw, server_hostname="localhost").close()


def test_the_console_has_a_landing_page_with_assets(boot: Boot) -> None:
    sim = boot(serial="ZT770175000612B4242")
    page = fetch(sim.http_url + "/")
    assert page.header("Content-Type") == "text/html"
    assert b"ZT770175000612B4242" in page.body
    assert fetch(sim.http_url + "/index.html").body == page.body
    for asset, kind in (("app.css", "text/css"), ("app.js", "text/javascript")):
        assert f"static/{asset}".encode() in page.body
        answer = fetch(f"{sim.http_url}/static/{asset}")
        assert (answer.status, answer.header("Content-Type")) == (200, kind)
    assert sim.stats()["by_command"] == {}


def test_what_the_console_lacks_is_not_found(boot: Boot) -> None:
    sim = boot()
    assert fetch(sim.http_url + "/nothing").status == 404
    assert fetch(sim.http_url + "/", method="POST").status == 405


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"BREW / HTTP/1.1\r\nConnection: close\r\n\r\n", b"501"),
    ],
)
def test_what_cannot_be_understood_is_refused_and_counted(
    boot: Boot, data: bytes, status: bytes
) -> None:
    sim = boot()
    with socket.create_connection(("127.0.0.1", sim.ports["http"] or 0), timeout=5) as client:
        client.sendall(data)
        assert client.recv(64).split()[1] == status
    assert sim.stats()["by_status"] == {status.decode(): 1}
    assert fetch(sim.http_url + INFO).status == 200


def test_a_loosely_written_request_is_understood(boot: Boot) -> None:
    body = b"Command=GetCellPurchased"
    data = (
        b"\r\nPOST   /cgi-bin/dl_cgi  HTTP/1.1\nContent-length : %d\nX: a\n b\nConnection:close\n\n"
    )
    answer = exchange(boot().ports["http"] or 0, data % len(body) + body)
    assert answer.endswith(b'{"cell_purchased": "null"}\n')


def test_a_chunked_body_is_read(boot: Boot) -> None:
    data = (
        b"POST /cgi-bin/dl_cgi HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"8;ext=1\r\nCommand=\r\n4\r\nStop\r\n0\r\nTrailer: x\r\n\r\n"
    )
    assert exchange(boot().ports["http"] or 0, data).endswith(b'{"result": "succeed"}\n')


def test_a_client_that_expects_it_is_told_to_continue(boot: Boot) -> None:
    port = boot().ports["http"] or 0
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"POST /cgi-bin/dl_cgi HTTP/1.1\r\nExpect: 100-continue\r\n"
                       b"Content-Length: 12\r\n\r\n")  # fmt: skip
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"Command=Stop")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
