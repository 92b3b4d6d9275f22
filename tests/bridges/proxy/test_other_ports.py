"""What passes the bridge without the guard: HTTPS if passed through, and a SunVault's ports."""

from __future__ import annotations

import contextlib
import functools
import socket

import pytest
from bridges.proxy.home import HTTPS, Home
from bridges.proxy.owner import LOCKED
from bridges.proxy.spellings import WRITES, request
from bridges.proxy.test_passthrough import GATEWAY

OPEN = 61707
_SPELT = [request(write.target) for write in WRITES]


@pytest.mark.parametrize("build", [OPEN, LOCKED])
def test_passed_through_https_is_not_guarded(home: Home, build: int) -> None:
    home.pvs.call(lambda box: box.install(build))
    with home.bridge(proxy_https="passthrough"):
        for data in _SPELT:
            with home.connect(HTTPS) as connection, contextlib.suppress(OSError):
                connection.sendall(data)
                while connection.recv(65536):
                    pass
        # The bridge cannot read them: the PVS gets each, as README says.
        lines = {record["line"] for record in home.pvs.log()}
        assert lines == {data.split(b"\r\n")[0].decode() for data in _SPELT}
        assert home.stats()["writes"]["count"] >= len(_SPELT) - (build == OPEN)


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
