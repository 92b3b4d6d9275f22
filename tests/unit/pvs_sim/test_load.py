"""Latency, many requests at once, crashes and restarts, as the counters see them."""

from __future__ import annotations

import http.client
import itertools
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pvs_sim import Settings
from pvs_sim.client import Answer, Control, fetch
from pvs_sim.latency import cgi_seconds, varserver_seconds

if TYPE_CHECKING:
    from pvs_sim import Simulator

Boot = Callable[..., "Simulator"]
Ask = Callable[..., Answer]

LIST = "/cgi-bin/dl_cgi?Command=DeviceList"


def at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(work) for _ in range(count)]]


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


@pytest.mark.parametrize(("panels", "seconds"), [(24, 6.5), (37, 9.5), (60, 14.81), (1, 1.19)])
def test_a_device_list_takes_longer_with_more_panels(panels: int, seconds: float) -> None:
    assert cgi_seconds(Settings(), panels, slow=True) == pytest.approx(seconds, abs=0.01)
    assert cgi_seconds(Settings(), panels, slow=False) == 0.15


def test_latency_can_be_fixed_scaled_or_none() -> None:
    assert cgi_seconds(Settings(latency_scale=0.1), 24, slow=True) == pytest.approx(0.65)
    fixed = Settings(latency_seconds=2.0, latency_scale=0.5)
    assert cgi_seconds(fixed, 24, slow=True) == 1.0
    assert cgi_seconds(fixed, 24, slow=False) == 0.075
    none = Settings(latency_seconds=0.0)
    assert cgi_seconds(none, 24, slow=True) == cgi_seconds(none, 24, slow=False) == 0
    assert varserver_seconds(none) == 0
    assert varserver_seconds(Settings()) == 0.05


def test_a_device_list_takes_its_time_and_others_do_not(boot: Boot, ask: Ask) -> None:
    sim = boot(latency_seconds=None, latency_scale=0.05)  # 24 panels: 0.325 s, others 7.5 ms
    ask(sim, "DeviceList")
    ask(sim, "Stop")
    slow, quick = (record["ended"] - record["started"] for record in sim.log())
    assert slow >= 0.32
    assert 0.005 <= quick < 0.32


def test_each_request_is_a_process_of_its_own(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1, latency_seconds=1.0)
    assert {answer.status for answer in at_once(5, lambda: ask(sim, "DeviceList"))} == {200}
    stats = sim.stats()
    assert stats["most_in_flight"] == {"total": 5, "cgi": 5, "varserver": 0}
    assert stats["in_flight"] == {"total": 0, "cgi": 0, "varserver": 0}
    assert stats["by_command"] == {"DeviceList": 5}


def test_requests_one_after_another_never_overlap(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1, latency_seconds=0.01)
    for _ in range(5):
        ask(sim, "DeviceList")
    assert sim.stats()["most_in_flight"]["total"] == 1
    log = sim.log()
    assert all(one["ended"] <= two["started"] for one, two in itertools.pairwise(log))


def test_a_client_that_hangs_up_leaves_its_process_running(boot: Boot) -> None:
    sim = boot(panels=1, latency_seconds=0.5)
    with socket.create_connection(("127.0.0.1", sim.ports["http"] or 0)) as client:
        client.sendall(f"GET {LIST} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_until(lambda: sim.stats()["in_flight"]["cgi"] == 1)
    assert sim.stats()["in_flight"]["cgi"] == 1
    wait_until(lambda: sim.stats()["in_flight"]["cgi"] == 0)
    (record,) = sim.log()
    assert record["outcome"] == "gone"
    assert record["ended"] - record["started"] >= 0.5


def test_the_request_under_way_is_seen_in_the_log(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1, latency_seconds=0.5)
    client = threading.Thread(target=ask, args=(sim, "DeviceList"))
    client.start()
    wait_until(lambda: len(sim.log()) == 1)
    assert (sim.log()[0]["ended"], sim.log()[0]["outcome"]) == (None, None)
    assert sim.stats()["in_flight"] == {"total": 1, "cgi": 1, "varserver": 0}
    client.join()
    assert (sim.log()[0]["status"], sim.log()[0]["outcome"]) == (200, "answered")


def test_too_many_at_once_crash_the_pvs(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1, latency_seconds=20.0, crash_in_flight=2, restart_phases=(("503", 1.0),))
    begun = time.monotonic()
    statuses = sorted(answer.status for answer in at_once(3, lambda: ask(sim, "DeviceList")))
    assert time.monotonic() - begun < 20.0  # the crash ends what was under way
    assert statuses == [500, 500, 503]
    assert ask(sim, "DeviceList").status == 503
    stats = sim.stats()
    assert stats["restarts"]["count"] == 1
    assert stats["restarts"]["list"][0]["reason"] == "3 CGI processes in flight"
    assert stats["phase"] == "503"


def test_as_many_at_once_as_allowed_do_no_harm(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1, latency_seconds=0.2, crash_in_flight=3)
    assert {answer.status for answer in at_once(3, lambda: ask(sim, "DeviceList"))} == {200}
    assert sim.stats()["restarts"]["count"] == 0


def test_too_many_requests_in_the_window_crash_the_pvs(boot: Boot, ask: Ask) -> None:
    sim = boot(crash_requests=3, crash_window_seconds=60.0, restart_phases=(("503", 1.0),))
    assert [ask(sim, "Stop").status for _ in range(5)] == [200, 200, 200, 503, 503]
    assert sim.stats()["restarts"]["count"] == 1


def test_requests_outside_the_window_do_not_count(boot: Boot, ask: Ask) -> None:
    sim = boot(crash_requests=2, crash_window_seconds=0.05)
    for _ in range(5):
        assert ask(sim, "Stop").status == 200
        time.sleep(0.04)
    assert sim.stats()["restarts"]["count"] == 0


def test_static_files_never_crash_the_pvs(boot: Boot) -> None:
    sim = boot(crash_requests=1)
    assert {fetch(sim.http_url + "/").status for _ in range(5)} == {200}


def test_after_a_restart_the_uptime_is_low(boot: Boot, ask: Ask) -> None:
    sim = boot(panels=1, restart_phases=(("503", 1.0),))

    def uptime() -> int:
        return int(ask(sim, "DeviceList").json()["devices"][0]["dl_uptime"])

    assert uptime() > 80_000
    Control(sim.control_url).post("restart", seconds=0.2)
    assert ask(sim, "DeviceList").status == 503
    wait_until(lambda: sim.stats()["phase"] == "up")
    assert uptime() < 5


def test_a_restart_answers_503_then_resets_then_is_silent(boot: Boot) -> None:
    sim = boot()
    control = Control(sim.control_url)
    control.post("restart", seconds=1.5, phases={"503": 1, "reset": 1, "silence": 1})
    assert fetch(sim.http_url + "/").status == 503
    wait_until(lambda: sim.stats()["phase"] == "reset")
    with pytest.raises(ConnectionResetError):
        fetch(sim.http_url + "/")
    wait_until(lambda: sim.stats()["phase"] == "silence")
    with pytest.raises(TimeoutError):
        fetch(sim.http_url + "/", timeout=0.05)
    wait_until(lambda: sim.stats()["phase"] == "up")
    assert fetch(sim.http_url + "/").status == 200


def test_a_client_that_waits_through_the_silence_is_reset_when_the_pvs_is_back(boot: Boot) -> None:
    sim = boot()
    Control(sim.control_url).post("restart", seconds=0.3, phases={"silence": 1})
    begun = time.monotonic()
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        fetch(sim.http_url + "/")
    assert time.monotonic() - begun > 0.2


def test_a_restart_cuts_idle_connections(boot: Boot) -> None:
    sim = boot()
    with socket.create_connection(("127.0.0.1", sim.ports["http"] or 0), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
        wait_until(lambda: sim.stats()["in_flight"]["total"] == 0)
        Control(sim.control_url).post("restart", seconds=60)
        assert client.recv(100) == b""


def test_a_restart_ends_what_hangs(boot: Boot) -> None:
    sim = boot()
    Control(sim.control_url).post("faults", add={"kind": "silence", "count": 1})
    with socket.create_connection(("127.0.0.1", sim.ports["http"] or 0), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: sim.stats()["in_flight"]["total"] == 1)
        Control(sim.control_url).post("restart", seconds=0)
        with pytest.raises(ConnectionResetError):
            client.recv(100)


def test_a_restart_ends_all_sessions(boot: Boot) -> None:
    sim = boot(firmware=61846)
    sim.call(lambda box: box.sessions.open())
    assert sim.stats()["sessions"] == 1
    Control(sim.control_url).post("restart", seconds=0)
    assert sim.stats()["sessions"] == 0


def test_writes_survive_a_restart(boot: Boot, ask: Ask) -> None:
    sim = boot()
    ask(sim, "SetCellPurchased", value="yes")
    Control(sim.control_url).post("restart", seconds=0)
    assert ask(sim, "GetCellPurchased").json() == {"cell_purchased": "yes"}
