"""The PVS finishes its request before haproxy's next process starts.

tests/bridges/compat/test_haproxy_ends.py does the same with systemd.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from bridges.proxy.home import DEVICE_LIST, HTTPS, Home
from bridges.proxy.owner import new_api

from proxy_rig.haproxy import Haproxy
from proxy_rig.world import PVS
from pvs_bridge.proxy.drain import AdminSocket, reload, wait_for_closed_connections
from pvs_lab.process import wait_until
from pvs_sim.faults import Fault

START = "/cgi-bin/dl_cgi?Command=Start"
REVISION = "/vars?name=/sys/info/sw_rev"
LIST = "/cgi-bin/dl_cgi/devices/list"


@pytest.fixture
def haproxy(home: Home) -> Iterator[Haproxy]:
    """Run haproxy in front of a PVS that takes two seconds."""
    with home.bridge(proxy_cache_seconds=0) as running:
        home.pvs.call(lambda box: box.set_settings({"latency_seconds": 2.0}))
        yield running


@pytest.fixture
def admin(haproxy: Haproxy) -> AdminSocket:
    """The runtime API of haproxy."""
    return AdminSocket(haproxy.admin_socket)


def answers_again(home: Home, target: str) -> bool:
    """Wait for an answer of the new process; return whether it comes.

    In the moment in which both processes listen, the old one can answer 503. The new one then waits
    for its next check, 2 seconds later.
    """
    return wait_until(lambda: home.ask(target).status == 200, 5)


def work(home: Home, pool: ThreadPoolExecutor, target: str = LIST) -> None:
    """Send a request to the PVS, and wait until it handles it."""
    pool.submit(home.ask, target)
    while not home.stats()["in_flight"]["total"]:
        time.sleep(0.01)


def test_while_draining_the_pvs_gets_no_request_and_clients_get_503(
    home: Home, admin: AdminSocket
) -> None:
    with home.clients(1) as pool:
        work(home, pool)
        assert admin.drain(10)
    assert home.stats()["in_flight"]["total"] == 0
    assert home.ask(START).status == 503
    assert home.stats()["by_command"] == {"devices/list": 1}


def test_the_first_check_of_a_new_process_finds_no_fault_at_the_old_one(
    home: Home, admin: AdminSocket, haproxy: Haproxy
) -> None:
    """Both processes listen at this socket while haproxy reloads."""
    assert admin.drain(10)
    serial = next(path for path in haproxy.sockets if path.name == "serial.sock")
    with socket.socket(socket.AF_UNIX) as check:
        check.connect(str(serial))
        check.sendall(b"GET / HTTP/1.1\r\nHost: pvs\r\nX-Pvs-Bridge-Cache: check\r\n\r\n")
        assert check.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert home.stats()["requests"] == 0


def test_draining_stops_waiting_for_a_pvs_that_hangs(home: Home, admin: AdminSocket) -> None:
    with home.clients(1) as pool:
        work(home, pool)
        assert not admin.drain(0.5)
        assert home.stats()["in_flight"]["total"] == 1


def test_a_new_process_starts_after_the_pvs_has_answered(
    home: Home, admin: AdminSocket, haproxy: Haproxy
) -> None:
    before = admin.process()
    with home.clients(2) as pool:
        work(home, pool)
        assert reload(admin, haproxy.pid) == 0
        assert admin.process() not in {before, ""}
        assert answers_again(home, START)
    stats = home.stats()
    assert stats["most_in_flight"]["total"] == 1
    assert stats["by_command"] == {"devices/list": 1, "Start": 1}


def test_requests_in_the_queue_of_the_old_process_get_503_at_once(
    home: Home, admin: AdminSocket, haproxy: Haproxy
) -> None:
    with home.clients(9) as pool:
        work(home, pool)
        waiting = [
            pool.submit(home.timed, target) for target in (START, REVISION) for _ in range(4)
        ]
        time.sleep(0.5)
        assert not any(each.done() for each in waiting)
        assert reload(admin, haproxy.pid) == 0
        answers = [each.result() for each in waiting]
        # The PVS takes two seconds for a request of the new process.
        assert answers_again(home, DEVICE_LIST)
    assert [each.answer.status for each in answers] == [503] * 8
    assert max(each.seconds for each in answers) < 1.5
    stats = home.stats()
    assert stats["most_in_flight"]["total"] == 1
    assert stats["by_command"] == {"devices/list": 1, "DeviceList": 1}
    assert "/vars" not in stats["by_path"]


def test_a_new_process_waits_for_an_answer_by_https_too(
    home: Home, admin: AdminSocket, haproxy: Haproxy
) -> None:
    new_api(home)
    home.pvs.call(lambda box: box.faults.add([Fault("delay", path="/vars", seconds=2.0)]))
    with home.clients(1) as pool:
        work(home, pool, REVISION)
        assert reload(admin, haproxy.pid) == 0
        assert answers_again(home, "/")
    stats = home.stats()
    assert stats["most_in_flight"]["total"] == 1
    assert stats["by_path"]["/vars"] == 1


def test_a_rejected_configuration_keeps_the_old_process_running(
    home: Home, admin: AdminSocket, haproxy: Haproxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pvs_bridge.proxy.drain.RELOAD_SECONDS", 2.0)
    with haproxy.configuration.open("a") as configuration:
        configuration.write("nonsense\n")
    assert reload(admin, haproxy.pid) == 1
    assert home.ask(START).status == 200
    assert {each.answer.status for each in home.burst(3, LIST)} == {200}
    assert home.stats()["most_in_flight"]["total"] == 1


@pytest.fixture
def killed(home: Home) -> Iterator[None]:
    """Kill haproxy while the PVS works on a request for two seconds."""
    with home.clients(1) as pool:
        with home.bridge(proxy_cache_seconds=0):
            home.pvs.call(lambda box: box.set_settings({"latency_seconds": 2.0}))
            work(home, pool)
        assert home.stats()["in_flight"]["total"] == 1
        yield


@pytest.mark.usefixtures("killed")
def test_the_next_haproxy_waits_for_the_request_of_a_killed_one(home: Home) -> None:
    assert home.world.bridge.call(lambda: wait_for_closed_connections(PVS, 10))
    assert home.stats()["in_flight"]["total"] == 0


@pytest.mark.usefixtures("killed")
def test_the_next_haproxy_stops_waiting_for_a_pvs_that_hangs(home: Home) -> None:
    assert not home.world.bridge.call(lambda: wait_for_closed_connections(PVS, 0.5))
    assert home.stats()["in_flight"]["total"] == 1


def test_a_new_process_waits_for_a_connection_that_is_passed_through(home: Home) -> None:
    with home.bridge(proxy_cache_seconds=0, proxy_https="passthrough") as running:
        home.pvs.call(lambda box: box.set_settings({"latency_seconds": 2.0}))
        with home.clients(1) as pool:
            pool.submit(home.ask, LIST, port=HTTPS)
            while not home.stats()["in_flight"]["total"]:
                time.sleep(0.01)
            assert reload(AdminSocket(running.admin_socket), running.pid) == 0
            assert answers_again(home, START)
            assert home.ask("/", port=HTTPS).status == 200
    stats = home.stats()
    assert stats["most_in_flight"]["total"] == 1
    assert stats["by_command"] == {"devices/list": 1, "Start": 1}
