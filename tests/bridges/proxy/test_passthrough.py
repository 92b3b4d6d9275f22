"""What is passed on beside the web: encrypted requests, a SunVault's gateway."""

from __future__ import annotations

import contextlib
import csv
import functools
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
from attack_table import AttackTable
from bridges.proxy.home import BRIDGE, HTTPS, Home

from pvs_bridge.proxy.drain import AdminSocket
from pvs_sim.client import unverified_tls

GATEWAY = "172.27.153.171"


def test_encrypted_requests_reach_the_pvs_when_asked_for(home: Home) -> None:
    with home.bridge(proxy_https="passthrough"):
        assert home.ask("/", port=HTTPS).status == 200


def test_an_encrypted_connection_waits_while_another_is_open(home: Home) -> None:
    with home.bridge(proxy_https="passthrough"), home.connect(HTTPS):
        with pytest.raises((TimeoutError, ssl.SSLError)):
            home.connect(HTTPS, timeout_seconds=0.5)
        # It is one queue with port 80.
        with pytest.raises(TimeoutError):
            home.ask(timeout_seconds=0.5)


def test_a_request_of_http_keeps_an_encrypted_connection_waiting(home: Home) -> None:
    home.pvs.call(lambda box: box.set_settings({"latency_seconds": 1.0}))
    with home.bridge(proxy_https="passthrough", proxy_cache_seconds=0), home.clients(1) as pool:
        plain = pool.submit(home.ask)
        home.wait_for_work()
        with pytest.raises((TimeoutError, ssl.SSLError)):
            home.connect(HTTPS, timeout_seconds=0.3)
        assert plain.result().status == 200
        assert home.ask("/", port=HTTPS).status == 200


def test_both_ports_take_turns_at_the_pvs(home: Home, attack_table: AttackTable) -> None:
    home.pvs.call(lambda box: box.set_settings({"latency_seconds": 0.3}))
    sources = [f"192.168.20.{100 + number}" for number in range(6)]
    with home.bridge(proxy_https="passthrough", proxy_cache_seconds=0), home.clients(18) as pool:
        plain = [pool.submit(home.ask, source=source) for source in sources * 2]
        home.wait_for_work()
        encrypted = [pool.submit(home.timed, port=HTTPS, source=source) for source in sources]
        answers = [each.result() for each in plain] + [each.result().answer for each in encrypted]
    attack_table.add(
        "requests to ports 80 and 443 at once",
        attempts=len(answers),
        **home.seen(),
        longest_wait_seconds=max(each.result().seconds for each in encrypted),
    )
    assert {each.status for each in answers} == {200}
    assert home.stats()["most_in_flight"]["total"] == 1
    order = [record["listener"] for record in home.pvs.log()]
    assert order.count("https") == 6
    # While both wait, neither port gets two turns in a row.
    first, last = order.index("https"), len(order) - order[::-1].index("https")
    assert order[first:last] == ["https", "http"] * 5 + ["https"]


def sessions_of_https(home: Home) -> str:
    """How many connections of port 443 have reached the PVS."""
    assert home.haproxy is not None
    table = AdminSocket(home.haproxy.admin_socket).command("show stat").lstrip("# ")
    rows = csv.DictReader(table.splitlines())
    (found,) = (row["stot"] for row in rows if (row["pxname"], row["svname"]) == ("https", "pvs"))
    return found


def test_a_client_that_closes_its_side_while_it_waits_gets_no_turn_of_another(home: Home) -> None:
    home.pvs.call(lambda box: box.set_settings({"latency_seconds": 1.0}))
    with home.bridge(proxy_https="passthrough", proxy_cache_seconds=0), home.clients(1) as pool:
        plain = pool.submit(home.ask)
        home.wait_for_work()
        outgoing = ssl.MemoryBIO()
        client = unverified_tls().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=BRIDGE)
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        with home.world.connect(HTTPS, timeout_seconds=5) as closing:
            closing.sendall(outgoing.read())
            closing.shutdown(socket.SHUT_WR)
            time.sleep(0.3)
            # It reaches the PVS in its turn, or not at all.
            assert not plain.done()
            assert sessions_of_https(home) == "0"
        assert plain.result().status == 200
        assert home.ask().status == 200


def test_nothing_but_the_web_and_the_live_data_is_open_unless_asked_for(home: Home) -> None:
    with home.bridge():
        found = {port: home.world.listens(port) for port in (80, 443, 502, 503, 8080, 8171, 9002)}
    assert [port for port, opened in found.items() if opened] == [80, 443, 9002]


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
