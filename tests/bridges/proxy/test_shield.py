"""Many clients, one request at a time for the PVS.

The judge is the simulated PVS's own record.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time

import pytest
from bridges.proxy.home import DEVICE_LIST, Home, is_refusal

from pvs_sim.faults import Fault

GET_COMM = "/cgi-bin/dl_cgi?Command=Get_Comm"


def slow(home: Home, seconds: float) -> None:
    """Let the PVS take this long for a device list."""
    home.pvs.call(lambda box: box.set_settings({"latency_seconds": seconds}))


def break_next(home: Home, kind: str) -> None:
    """Let the PVS's next answer be a bad one."""
    home.pvs.call(lambda box: box.faults.add([Fault(kind, count=1)]))


def test_thirty_two_programs_at_once_share_one_answer(home: Home) -> None:
    slow(home, 1.0)
    with home.bridge():
        answers = home.burst(32)
    assert {each.answer.status for each in answers} == {200}
    assert len({each.answer.body for each in answers}) == 1
    assert home.stats()["by_command"] == {"DeviceList": 1}


def test_different_requests_are_queued(home: Home) -> None:
    slow(home, 0.2)
    targets = [DEVICE_LIST, GET_COMM, "/cgi-bin/dl_cgi/devices/list", "/", "/static/app.css",
               "/cgi-bin/dl_cgi?Command=Start", "/cgi-bin/dl_cgi?Command=Stop"]  # fmt: skip
    with home.bridge(), home.clients(14) as pool:
        pending = [pool.submit(home.ask, target) for target in targets * 2]
        assert {each.result().status for each in pending} == {200}
    assert home.stats()["most_in_flight"]["total"] == 1


def test_a_program_that_hangs_up_does_not_free_its_place(home: Home) -> None:
    slow(home, 1.0)
    with home.bridge(proxy_cache_seconds=0):
        for _ in range(4):
            with home.world.connect(80) as impatient:
                impatient.sendall(f"GET {DEVICE_LIST} HTTP/1.1\r\nHost: bridge\r\n\r\n".encode())
                time.sleep(0.1)
        assert home.ask().status == 200
        home.settle_without_reset()
    assert home.stats()["most_in_flight"]["total"] == 1


def test_pipelined_old_and_short_requests_are_queued_too(home: Home) -> None:
    slow(home, 0.3)
    head = b"Host: bridge\r\n\r\n"
    target = DEVICE_LIST.encode()
    requests = [
        b"GET %b HTTP/1.1\r\n%b" % (target, head) * 3,
        b"GET %b HTTP/1.0\r\n\r\n" % target,
        b"HEAD %b HTTP/1.1\r\n%b" % (target, head),
        b"GET %b HTTP/1.1\r\nConnection: close\r\n%b" % (target, head),
    ]
    with home.bridge(proxy_cache_seconds=0), home.clients(len(requests)) as pool:
        answers = list(pool.map(home.exchange, requests))
    assert [answer.count(b" 200 OK") for answer in answers] == [3, 1, 1, 1]
    assert home.stats()["most_in_flight"]["total"] == 1


def test_an_answer_to_head_has_no_body_and_is_shared(home: Home) -> None:
    with home.bridge():
        home.ask()
        answer = home.ask(method="HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert int(answer.header("Content-Length") or 0) > 10_000
    assert home.stats()["by_command"] == {"DeviceList": 1}


def test_a_shared_answer_says_its_age_and_costs_the_pvs_nothing(home: Home) -> None:
    with home.bridge():
        first = home.ask()
        time.sleep(1.1)
        second = home.ask()
    assert first.header("Age") == "0"
    assert second.header("Age") in {"1", "2"}
    assert first.body == second.body
    assert second.header("Cache-Control") == "no-store"
    assert home.stats()["requests"] == 1


def test_a_program_cannot_order_a_fresh_answer(home: Home) -> None:
    with home.bridge():
        home.ask()
        for name, value in (
            ("Cache-Control", "no-cache"), ("Cache-Control", "no-store"), ("Pragma", "no-cache"),
            ("Cache-Control", "max-age=0"), ("Authorization", "Basic eDp5"),
            ("Cookie", "session=1"), ("Range", "bytes=0-9"), ("If-None-Match", '"x"'),
            ("Accept-Encoding", "br"), ("Host", "bridge.local"),
        ):  # fmt: skip
            answer = home.ask(headers={name: value})
            assert (answer.status, len(answer.body) > 10_000) == (200, True), name
    assert home.stats()["requests"] == 1


def test_an_expired_answer_is_fetched_again(home: Home) -> None:
    with home.bridge(proxy_cache_seconds=1):
        home.ask()
        time.sleep(2.1)
        home.ask()
    assert home.stats()["by_command"] == {"DeviceList": 2}


def test_without_a_cache_every_request_reaches_the_pvs(home: Home) -> None:
    with home.bridge(proxy_cache_seconds=0):
        home.ask()
        answer = home.ask()
    assert answer.header("Age") == "0"
    assert home.stats()["by_command"] == {"DeviceList": 2}


def test_each_command_may_have_its_own_time(home: Home) -> None:
    own = {"Get_Comm": 0, "supervisor/info": 0}
    with home.bridge(proxy_command_cache_seconds=own):
        for target in (DEVICE_LIST, GET_COMM, "/cgi-bin/dl_cgi/supervisor/info"):
            assert home.ask(target).status == 200
            assert home.ask(target).status == 200
    assert home.stats()["by_command"] == {"DeviceList": 1, "Get_Comm": 2, "supervisor/info": 2}


def test_a_session_and_a_search_under_way_are_never_shared(home: Home) -> None:
    names = ("Start", "Stop", "GetDiscoveryProgress", "GridProfileRefresh")
    with home.bridge():
        for name in names * 2:
            assert home.ask(f"/cgi-bin/dl_cgi?Command={name}").status == 200
    assert home.stats()["by_command"] == dict.fromkeys(names, 2)


@pytest.mark.parametrize("kind", ["403", "truncate", "headers_in_body", "error_result", "html"])
def test_a_bad_answer_is_not_shared(home: Home, kind: str) -> None:
    with home.bridge():
        break_next(home, kind)
        with contextlib.suppress(OSError, http.client.IncompleteRead):
            first = home.ask()
            good = first.body.startswith(b"{") and b'"succeed"' in first.body
            assert first.status == 403 or not good
        second = home.ask()
    assert json.loads(second.body)["result"] == "succeed"
    assert home.stats()["by_command"] == {"DeviceList": 2}


def test_an_error_is_not_shared(home: Home) -> None:
    with home.bridge():
        break_next(home, "500")
        first = home.ask()
        second = home.ask()  # the PVS gets no requests for a moment
    assert (first.status, first.header("Via")) == (500, "1.1 pvs-bridge")
    assert (second.status, second.header("Via")) == (503, None)
    assert second.header("Retry-After") == "15"
    assert home.stats()["by_command"] == {"DeviceList": 1}


def test_a_full_queue_is_refused_at_once(home: Home) -> None:
    slow(home, 1.0)
    # One address alone has only half of the queue.
    sources = [f"192.168.20.{100 + number}" for number in range(8)]
    with home.bridge(proxy_cache_seconds=0, proxy_queue_length=2), home.clients(8) as pool:
        pending = [pool.submit(home.timed, source=source) for source in sources]
        answers = [each.result() for each in pending]
    refused = [each for each in answers if each.answer.status != 200]
    assert len(answers) - len(refused) in {3, 4}
    for each in refused:
        assert each.answer.status == 503
        assert each.answer.header("Retry-After") == "10"
        assert is_refusal(each.answer)
        assert b"proxy_queue_length" in each.answer.body
        assert each.seconds < 0.9
    assert home.stats()["most_in_flight"]["total"] == 1


def test_a_shared_answer_does_not_queue(home: Home) -> None:
    with home.bridge(proxy_queue_length=1):
        home.ask(GET_COMM)
        slow(home, 1.5)
        with home.clients(4) as pool:
            pending = [pool.submit(home.ask, f"/cgi-bin/dl_cgi/{path}") for path in
                       ("devices/list", "devices/list", "devices/list")]  # fmt: skip
            time.sleep(0.3)
            shared = home.timed(GET_COMM)
            for each in pending:
                each.result()
    assert shared.answer.status == 200
    assert shared.seconds < 1.0


def test_a_too_long_wait_is_refused(home: Home) -> None:
    slow(home, 2.5)
    with home.bridge(proxy_cache_seconds=0, proxy_queue_timeout_seconds=1):
        answers = home.burst(3)
    refused = [each.answer for each in answers if each.answer.status != 200]
    assert len(refused) == 2
    for answer in refused:
        assert answer.status == 503
        assert answer.header("Retry-After") == "10"
        assert is_refusal(answer)
        assert b"proxy_queue_timeout_seconds" in answer.body


def test_a_pvs_that_takes_too_long_is_told_apart(home: Home) -> None:
    slow(home, 2.0)
    with home.bridge(proxy_pvs_timeout_seconds=1):
        answer = home.ask()
        home.settle_without_reset()
    assert answer.status == 504
    assert is_refusal(answer)


def test_one_address_cannot_take_all_connections(home: Home) -> None:
    with home.bridge(), contextlib.ExitStack() as stack:
        for _ in range(600):
            with contextlib.suppress(ConnectionResetError):
                stack.enter_context(home.world.connect(80))
        assert home.ask(source="192.168.20.11", timeout_seconds=5).status == 200


def test_an_offer_of_compression_that_hangs_the_pvs_stays_here(home: Home) -> None:
    home.pvs.call(lambda box: box.set_settings({"br_hang": True}))
    with home.bridge():
        assert home.ask(headers={"Accept-Encoding": "gzip, br"}, timeout_seconds=5).status == 200
