"""What passes the guard beside port 80: HTTPS, and the ports of a SunVault."""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
from collections.abc import Iterator

import pytest
from bridges.proxy.home import BRIDGE, PVS, Home
from bridges.proxy.judge import Judge
from bridges.proxy.owner import LOCKED
from bridges.proxy.spellings import WRITES, request
from bridges.proxy.test_passthrough import GATEWAY

from pvs_sim.client import unverified_tls

OPEN = 61707
_SPELT = [request(write.target) for write in WRITES]


@contextlib.contextmanager
def tls(plain: socket.socket) -> Iterator[ssl.SSLSocket]:
    """Encrypt a connection."""
    with plain, unverified_tls().wrap_socket(plain, server_hostname=BRIDGE) as connection:
        yield connection


def certificate(plain: socket.socket) -> bytes:
    """Return the certificate that the other side presents."""
    with tls(plain) as connection:
        return connection.getpeercert(binary_form=True) or b""


@pytest.mark.parametrize("build", [OPEN, LOCKED])
def test_https_is_guarded_if_the_bridge_ends_it(home: Home, build: int) -> None:
    home.pvs.call(lambda box: box.install(build))
    with home.bridge(proxy_https_enabled=True):
        of_the_pvs = certificate(home.world.connect(443, PVS, source="172.27.153.2"))
        passed_through = certificate(home.world.connect(443)) == of_the_pvs
        home.settle()
        for data in _SPELT:
            with tls(home.world.connect(443)) as connection, contextlib.suppress(OSError):
                connection.sendall(data)
                while connection.recv(65536):
                    pass
        if passed_through:
            # The bridge cannot read them: the PVS gets each, as README says.
            lines = {record["line"] for record in home.pvs.log()}
            assert lines == {data.split(b"\r\n")[0].decode() for data in _SPELT}
            assert home.stats()["writes"]["count"] >= len(_SPELT) - (build == OPEN)
        else:
            assert Judge().read_record(home) == []


def test_the_ports_of_a_sunvault_reach_its_gateway_only(home: Home) -> None:
    home.world.pvs.ip("address", "replace", f"{GATEWAY}/24", "dev", "lan1")
    got: list[bytes] = []
    try:
        with home.bridge(proxy_sunvault_enabled=True, proxy_writes_acknowledged=True):
            for port, target in ((8171, 80), (502, 502), (503, 503)):
                address = (GATEWAY, target)
                listener = home.world.pvs.call(functools.partial(socket.create_server, address))
                with listener, home.world.connect(port) as client:
                    client.sendall(_SPELT[0])
                    arrived, _ = listener.accept()
                    with arrived:
                        got.append(arrived.recv(65536))
            assert home.stats()["requests"] == 0
            assert home.stats()["writes"]["count"] == 0
    finally:
        home.world.pvs.ip("address", "delete", f"{GATEWAY}/24", "dev", "lan1")
    # They are passed on as they are: what a gateway does with them, the bridge does not know.
    assert got == [_SPELT[0]] * 3
