"""One client, or a PVS that trickles, cannot occupy the only turn at the PVS."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Iterator

import pytest
from attack_table import AttackTable
from bridges.proxy.attackers import Attackers, Habit
from bridges.proxy.home import BRIDGE, Home, is_refusal
from bridges.proxy.owner import LOCKED
from bridges.proxy.test_load import HABITS

from proxy_rig.rendering import variables
from pvs_lab.process import wait_until
from pvs_sim.client import unverified_tls
from pvs_sim.faults import Fault

ATTACKER = "192.168.20.100"
ROLE = variables({})
TRANSFER_SECONDS: int = ROLE["__proxy_transfer_seconds"]
HTTPS_SECONDS: int = ROLE["__proxy_https_seconds"]
RECOVERY_SECONDS = 60  # haproxy checks a PVS that has failed every 15 s
START = "/cgi-bin/dl_cgi?Command=Start"


@pytest.mark.parametrize(
    "reads",
    [pytest.param(0, id="nothing"), pytest.param(2000, id="40 kB/s", marks=pytest.mark.slow)],
)
def test_a_slow_reader_of_a_large_file_loses_its_turn(
    home: Home, attack_table: AttackTable, reads: int
) -> None:
    habit = Habit(80, HABITS["slow readers of a large file"].greeting, reads=reads)
    with home.bridge(), Attackers(home.world, habit, [ATTACKER], 1):
        home.wait_for_work()
        found = home.timed(START)
    attack_table.add("a slow reader of a large file", attempts=1, **home.seen(),
                     longest_wait_seconds=found.seconds)  # fmt: skip
    assert found.answer.status == 200
    assert found.seconds < TRANSFER_SECONDS + 3
    assert home.stats()["most_in_flight"]["total"] == 1


def test_a_slow_reader_of_a_device_list_loses_its_turn(home: Home) -> None:
    """Most lists fit into the buffers, and their readers lose the turn at once."""
    habit = Habit(80, HABITS["slow readers of many cached answers"].greeting, reads=0)
    with home.bridge(proxy_cache_seconds=0), Attackers(home.world, habit, [ATTACKER], 1):
        home.wait_for_work()
        assert home.timed(START).seconds < TRANSFER_SECONDS + 3


@pytest.mark.slow
def test_a_pvs_that_trickles_its_answer_loses_its_turn(
    home: Home, attack_table: AttackTable
) -> None:
    home.pvs.call(lambda box: box.faults.add([Fault("slow", count=1, bytes_per_second=200)]))
    with home.bridge(), home.clients(1) as pool:
        trickled = pool.submit(home.ask)
        home.wait_for_work()
        found = home.timed(START)
        # Nothing of a shared answer is sent before all of it is there.
        with contextlib.suppress(http.client.IncompleteRead, http.client.RemoteDisconnected):
            assert is_refusal(trickled.result())
    attack_table.add("a PVS that trickles its answer", attempts=1, **home.seen(),
                     longest_wait_seconds=found.seconds)  # fmt: skip
    assert found.answer.status == 200
    assert found.seconds < TRANSFER_SECONDS + 3
    assert home.stats()["most_in_flight"]["total"] == 1


@pytest.mark.slow
def test_a_pvs_that_sends_100_continue_without_end_loses_its_turn(
    home: Home, attack_table: AttackTable
) -> None:
    home.pvs.call(lambda box: box.set_settings({"evil": "continue-endless-slowly"}))
    with home.bridge(proxy_pvs_timeout_seconds=3), home.clients(1) as pool:
        endless = pool.submit(home.ask, timeout_seconds=60)
        home.wait_for_work()
        home.pvs.call(lambda box: box.set_settings({"evil": None}))
        found = home.timed(START, timeout_seconds=60)
        assert wait_until(lambda: home.ask(START).status == 200, RECOVERY_SECONDS)
        answers = [endless.result(), found.answer]
    attack_table.add("a PVS that sends 100 Continue without end", attempts=1, **home.seen(),
                     longest_wait_seconds=found.seconds)  # fmt: skip
    # Both get the pause of a failing PVS.
    assert {each.status for each in answers} <= {502, 503}
    assert all(is_refusal(each) for each in answers)
    # haproxy measures the age of a session every 5 seconds.
    assert found.seconds < 3 + TRANSFER_SECONDS + 5 + 10
    assert home.stats()["most_in_flight"]["total"] == 1


def test_a_pvs_that_trickles_a_header_gets_the_time_of_a_silent_one(home: Home) -> None:
    home.pvs.call(lambda box: box.faults.add([Fault("slow", count=1, bytes_per_second=20)]))
    with home.bridge(proxy_pvs_timeout_seconds=3):
        found = home.timed()
    assert found.answer.status == 504
    assert found.seconds < 5


def test_an_address_with_many_requests_waits_for_one_with_few(
    home: Home, attack_table: AttackTable
) -> None:
    home.pvs.call(lambda box: box.set_settings({"latency_seconds": 0.5}))
    with home.bridge(proxy_cache_seconds=0), home.clients(40) as pool:
        many = [pool.submit(home.ask, source=ATTACKER) for _ in range(40)]
        home.wait_for_work()
        found = home.timed()
        waiting = sum(not each.done() for each in many)
        statuses = [each.result().status for each in many]
    attack_table.add("many requests at once", attempts=len(many), **home.seen(),
                     longest_wait_seconds=found.seconds)  # fmt: skip
    assert found.answer.status == 200
    # The one under way, and its own.
    assert found.seconds < 2
    assert waiting > 20
    # Half of the queue is for other addresses.
    assert 30 <= statuses.count(200) <= 34
    assert set(statuses) == {200, 503}


def test_half_a_tls_handshake_does_not_occupy_the_pvs(home: Home) -> None:
    habit = HABITS["half TLS handshakes"]
    with home.bridge(proxy_https="passthrough"), Attackers(home.world, habit, [ATTACKER], 100):
        time.sleep(0.5)
        with encrypted(home) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: pvs\r\nConnection: close\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"


@pytest.mark.slow
def test_a_connection_to_port_443_ends_after_a_minute(home: Home) -> None:
    with home.bridge(proxy_https="passthrough"):
        started = time.monotonic()
        with encrypted(home, HTTPS_SECONDS + 20) as connection, contextlib.suppress(OSError):
            while time.monotonic() < started + HTTPS_SECONDS + 20:
                # The PVS closes idle connections.
                connection.sendall(b"GET / HTTP/1.1\r\nHost: pvs\r\n\r\n")
                if not connection.recv(65536):
                    break
                time.sleep(1)
        assert HTTPS_SECONDS - 5 < time.monotonic() - started < HTTPS_SECONDS + 15


@contextlib.contextmanager
def encrypted(home: Home, timeout_seconds: float = 2) -> Iterator[ssl.SSLSocket]:
    """Open an encrypted connection to the PVS."""
    with (
        home.world.connect(443, timeout_seconds=timeout_seconds) as plain,
        unverified_tls().wrap_socket(plain, server_hostname=BRIDGE) as connection,
    ):
        yield connection


def test_the_limits_of_all_frontends_fit_into_the_limit_of_haproxy() -> None:
    limits = {name: each["connections"] for name, each in ROLE["__proxy_frontends"].items()}
    passthrough_ports = 4
    total = sum(limits.values()) + (passthrough_ports - 1) * limits["passthrough"]
    assert total < 512


def test_variables_that_the_pvs_does_not_answer_occupy_it_for_half_a_minute(home: Home) -> None:
    home.pvs.call(lambda box: box.install(LOCKED))
    home.pvs.call(lambda box: box.faults.add([Fault("silence", count=1, path="/vars")]))
    with home.bridge():
        found = home.timed("/vars?name=/sys/info/sw_rev", timeout_seconds=60)
    assert found.answer.status == 504
    assert is_refusal(found.answer)
    assert found.seconds < 35
