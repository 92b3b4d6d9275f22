"""While the PVS restarts: quick and clear answers for the home, peace for the PVS."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridges.proxy.home import Home, Timed, is_refusal


def poll(home: Home, until: Callable[[Timed], bool], seconds: float) -> list[Timed]:
    """Ask twice a second until an answer is the one that is waited for, or the time is over."""
    answers: list[Timed] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not (answers and until(answers[-1])):
        answers.append(home.timed(timeout_seconds=15))
        time.sleep(0.5)
    return answers


def test_a_restart_is_told_quickly_and_clearly_and_the_pvs_left_alone(home: Home) -> None:
    with home.bridge(proxy_cache_seconds=0):
        assert home.ask().status == 200
        home.settle()
        home.pvs.call(lambda box: box.restart("test", 6.0, (("503", 1.0), ("reset", 1.0))))
        answers = poll(home, lambda each: each.answer.status == 200, 40)
        stats = home.stats()
    assert answers[-1].answer.status == 200, "the bridge did not find the PVS again"
    for each in answers[:-1]:
        assert each.answer.status == 503
        assert is_refusal(each.answer)
        assert b"restarting" in each.answer.body
        assert each.answer.header("Retry-After") == "15"
    # The first to ask found out; after it, only the bridge looked now and then.
    assert stats["by_path"].get("/cgi-bin/dl_cgi", 0) <= 2 + (len(answers) > 20)
    assert stats["connections"] <= 6
    assert stats["most_in_flight"]["total"] == 1


def test_a_shared_answer_is_still_given_while_the_pvs_restarts(home: Home) -> None:
    with home.bridge():
        before = home.ask()
        home.pvs.call(lambda box: box.restart("test", 2.0, (("503", 1.0),)))
        assert home.ask("/cgi-bin/dl_cgi?Command=Start").status == 503
        during = home.ask()
    assert (during.status, during.body) == (200, before.body)


def test_a_pvs_without_power_costs_one_program_four_seconds(home: Home) -> None:
    try:
        with home.bridge():
            home.world.pvs.ip("link", "set", "lan1", "down")
            first, second = home.timed(), home.timed()
    finally:
        home.world.pvs.ip("link", "set", "lan1", "up")
    for each in (first, second):
        assert each.answer.status == 503
        assert is_refusal(each.answer)
    assert first.seconds < 8
    assert second.seconds < 1


def test_while_the_pvs_is_well_the_bridge_does_not_ask_on_its_own(home: Home) -> None:
    with home.bridge():
        time.sleep(16)  # longer than between two checks
        assert home.stats()["requests"] == 0
        assert home.stats()["connections"] == 0
