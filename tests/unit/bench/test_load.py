"""The programs that ask: how they read answers, and when they ask."""

from __future__ import annotations

import itertools

import pytest
from bench.proxies.load import Answer, poll, sequence
from bench.proxies.outcomes import oldest
from bench.proxies.runs import HURRY, MIXED, Scenario, beats

from pvs_sim import Options, Settings, Simulator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-LENGTH: 4\r\n\r\n"
QUICK = Options(settings=Settings(latency_seconds=0.0), daylight=True)


def test_an_answer_is_whole_when_its_length_is_there() -> None:
    answer = Answer()
    assert not answer.take(HEAD[:20])
    assert answer.ended() == "no answer"
    assert not answer.take(HEAD[20:] + b"{}")
    assert (answer.status, answer.ended()) == (200, "the answer broke off")
    assert answer.take(b"\r\n")


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    answer = Answer()
    assert answer.ended() == "no answer"
    assert not answer.take(b"HTTP/1.0 503 Service Unavailable\r\n\r\nbusy")
    assert (answer.status, answer.ended()) == (503, "")


def test_an_answer_that_is_not_http_is_an_error() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        Answer().take(b"nonsense\r\n\r\n")


def test_programs_keep_to_a_beat_of_half_a_minute() -> None:
    plan = beats(Scenario(3), minutes=10)
    for program in plan:
        gaps = [
            (after - before) * HURRY for before, after in itertools.pairwise(program["moments"])
        ]
        assert 27 <= min(gaps) <= max(gaps) <= 33
        assert program["moments"][-1] * HURRY < 600
        assert len(gaps) >= 17
    assert len({program["source"] for program in plan}) == 3
    assert len({program["moments"][0] for program in plan}) == 3


def test_programs_ask_the_same_at_the_same_time_of_every_proxy() -> None:
    assert beats(MIXED, 10) == beats(MIXED, 10)
    assert len({program["target"] for program in beats(MIXED, 10)}) == len(MIXED.questions)


def test_the_age_of_a_list_is_told_by_the_clock_of_the_pvs() -> None:
    # 1970-01-01 00:01:00 to :04 by the PVS, whose clock is 40 s ahead and twice as quick.
    exchanges = [
        {"stamp": "1970,01,01,00,01,00", "arrived": 12.0},
        {"stamp": "1970,01,01,00,01,04", "arrived": 15.5},
        {"stamp": "", "arrived": 99.0},
    ]
    assert oldest(exchanges, clock_ahead=40.0, hurry=2.0) == 7.0
    assert oldest([], clock_ahead=40.0, hurry=2.0) == 0.0


def test_a_question_in_rounds_is_timed_on_either_kind_of_connection() -> None:
    with Simulator(QUICK) as pvs:
        place = ("127.0.0.1", pvs.ports["http"] or 0)
        target = "/cgi-bin/dl_cgi?Command=DeviceList"
        for keep_alive, connections in ((True, 4), (False, 10)):
            before = pvs.stats()["connections"]
            took = sequence({"pvs": place}, target, "127.0.0.1", 2, 3, keep_alive)
            assert len(took["pvs"]) == 6
            assert pvs.stats()["connections"] - before == connections


def test_a_failure_is_not_a_measurement() -> None:
    with Simulator(QUICK) as pvs, pytest.raises(RuntimeError, match="answers 404"):
        sequence({"pvs": ("127.0.0.1", pvs.ports["http"] or 0)}, "/none", "127.0.0.1", 1, 1, False)


def test_programs_that_poll_say_what_they_got() -> None:
    with Simulator(QUICK) as pvs:
        port = pvs.ports["http"] or 0
        beat = {"source": "127.0.0.1", "target": "/cgi-bin/dl_cgi?Command=DeviceList"}
        done = poll("127.0.0.1", port, [{**beat, "moments": [0.0, 0.1]}], 5.0)
    assert [(each["status"], each["problem"]) for each in done] == [(200, "")] * 2
    assert all(each["stamp"] for each in done)
