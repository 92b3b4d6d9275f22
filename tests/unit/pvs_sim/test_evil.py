"""A hostile PVS: each kind differs from a good PVS, and the next request gets what is set then."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import pytest

from pvs_sim import OptionError, Settings, Simulator
from pvs_sim.client import Control, fetch, unverified_tls
from pvs_sim.evil import ATTACKS, KINDS
from pvs_sim.evil.certificates import CERTIFICATES

Boot = Callable[..., Simulator]

REQUEST = (
    b"GET /cgi-bin/dl_cgi?Command=DeviceList HTTP/1.1\r\nHost: pvs\r\nConnection: close\r\n\r\n"
)


def said(sim: Simulator, limit: int = 100_000) -> bytes:
    """Return the first bytes of the answer."""
    got = bytearray()
    with socket.create_connection(("127.0.0.1", sim.ports["http"] or 0), timeout=10) as client:
        client.sendall(REQUEST)
        with contextlib.suppress(OSError):
            while len(got) < limit and (piece := client.recv(65536)):
                got += piece
    return bytes(got[:limit])


@pytest.mark.parametrize("kind", ATTACKS)
def test_each_kind_replaces_the_answer_until_it_is_cleared(boot: Boot, kind: str) -> None:
    sim = boot(panels=3)
    good = said(sim)
    Control(sim.control_url).post("settings", evil=kind)
    limit = 2000 if "endless" in kind else 100_000
    assert said(sim, limit).replace(b"\r\n", b"") != good[:limit].replace(b"\r\n", b"")
    Control(sim.control_url).post("settings", evil=None)
    answer = fetch(sim.http_url + "/cgi-bin/dl_cgi?Command=DeviceList")
    assert answer.json()["result"] == "succeed"


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_each_kind_of_certificate_is_presented(boot: Boot, kind: str) -> None:
    sim = boot(https_port=0)
    address = ("127.0.0.1", sim.ports["https"] or 0)

    def certificate() -> bytes:
        with (
            socket.create_connection(address, timeout=10) as plain,
            unverified_tls().wrap_socket(plain, server_hostname="pvs") as client,
        ):
            return client.getpeercert(binary_form=True) or b""

    good = certificate()
    Control(sim.control_url).post("settings", evil=kind)
    bad = certificate()
    assert bad != good
    assert (certificate() == bad) == (kind != "certificate-changed")
    Control(sim.control_url).post("settings", evil=None)
    assert certificate() == good


def test_an_unknown_kind_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(OptionError, match=", ".join(KINDS[:3])):
        Settings(evil="list")
