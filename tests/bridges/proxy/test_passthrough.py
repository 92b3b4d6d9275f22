"""What is passed on beside the web: encrypted requests, live data, a SunVault's gateway."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from bridges.proxy.home import BRIDGE, Home

from pvs_sim.client import unverified_tls

GATEWAY = "172.27.153.171"


def upgrade(home: Home, **headers: str) -> socket.socket:
    """Open the live data as a program does; the answer's head is still to be read."""
    wanted = {
        "Host": "bridge:9002",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        **headers,
    }
    lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in wanted.items())]
    connection = home.world.connect(9002)
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return connection


def test_the_live_data_flow_through_the_bridge(home: Home) -> None:
    with home.bridge(), upgrade(home) as connection, connection.makefile("rb") as stream:
        assert b" 101 " in stream.readline()
        while stream.readline() != b"\r\n":
            pass
        for _ in range(2):
            first, length = stream.read(2)
            if length == 126:
                length = int.from_bytes(stream.read(2), "big")
            assert first == 0x81
            assert "pv_p" in json.loads(stream.read(length))["params"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "evil.example"}, b" 421 "), ({"Origin": "http://evil.example"}, b" 403 ")],
    ids=["another name", "another site"],
)
def test_the_live_data_are_not_for_pages_of_other_sites(
    home: Home, headers: dict[str, str], status: bytes
) -> None:
    with home.bridge(), upgrade(home, **headers) as connection:
        assert status in connection.recv(4096).split(b"\r\n")[0]
    assert home.stats()["websocket"]["total"] == 0


def test_encrypted_requests_reach_the_pvs_when_asked_for(home: Home) -> None:
    with home.bridge(proxy_https="passthrough"):
        tls = unverified_tls()
        with (
            home.world.connect(443) as plain,
            tls.wrap_socket(plain, server_hostname=BRIDGE) as connection,
        ):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: pvs\r\nConnection: close\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"


def test_an_encrypted_connection_waits_while_another_is_open(home: Home) -> None:
    tls = unverified_tls()
    with home.bridge(proxy_https="passthrough"), contextlib.ExitStack() as stack:
        plain = stack.enter_context(home.world.connect(443))
        stack.enter_context(tls.wrap_socket(plain, server_hostname=BRIDGE))
        waiting = stack.enter_context(home.world.connect(443, timeout_seconds=0.5))
        with pytest.raises((TimeoutError, ssl.SSLError)):
            tls.wrap_socket(waiting, server_hostname=BRIDGE)


def test_nothing_but_the_web_and_the_live_data_is_open_unless_asked_for(home: Home) -> None:
    with home.bridge():
        found = {port: home.world.listens(port) for port in (80, 443, 502, 503, 8080, 8171, 9002)}
    assert [port for port, opened in found.items() if opened] == [80, 443, 9002]


def test_the_live_data_port_can_be_closed(home: Home) -> None:
    with home.bridge(proxy_websocket_enabled=False):
        assert not home.world.listens(9002)


def test_routed_the_home_finds_nothing_here(home: Home) -> None:
    with home.bridge(bridge_mode="routed"):
        assert not home.world.listens(80)
        assert not home.world.listens(9002)
        assert home.ask(address="127.0.0.1", source="127.0.0.1").status == 200


@contextlib.contextmanager
def gateway(home: Home) -> Iterator[None]:
    """A SunVault's gateway that says on which of its ports it was called."""
    home.world.pvs.ip("address", "replace", f"{GATEWAY}/24", "dev", "lan1")
    listeners = [
        home.world.pvs.call(functools.partial(socket.create_server, (GATEWAY, port)))
        for port in (80, 502, 503)
    ]

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(str(listener.getsockname()[1]).encode())

    threads = [threading.Thread(target=serve, args=(each,)) for each in listeners]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for listener in listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in threads:
            thread.join()
        home.world.pvs.ip("address", "delete", f"{GATEWAY}/24", "dev", "lan1")


def test_the_ports_of_a_sunvault_lead_to_its_gateway(home: Home) -> None:
    with gateway(home), home.bridge(proxy_sunvault_enabled=True, proxy_writes_acknowledged=True):
        found = {}
        for port in (8171, 502, 503):
            with home.world.connect(port) as connection:
                found[port] = connection.recv(16)
    assert found == {8171: b"80", 502: b"502", 503: b"503"}
