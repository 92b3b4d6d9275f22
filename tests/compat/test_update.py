"""The firmware changes while the home's programs ask, and they go on."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from compat.house import LOCKED, OPEN, House

POLLERS = 4
INTERVAL_SECONDS = 4
POLLS = 8


@pytest.mark.core
def test_an_update_in_mid_flight_costs_each_program_one_answer_at_most(older: House) -> None:
    before = older.services()
    with contextlib.ExitStack() as stack:
        pollers = []
        for _ in range(POLLERS):
            words = ("bridge", str(INTERVAL_SECONDS), str(POLLS))
            pollers.append(stack.enter_context(older.running_program("poll", *words)))
            time.sleep(INTERVAL_SECONDS / POLLERS)
        time.sleep(2 * INTERVAL_SECONDS)
        older.simulator("/_sim/firmware", {"build": LOCKED})
        printed = [each.communicate(timeout=90)[0] for each in pollers]
    answers = [[json.loads(line) for line in lines.splitlines()] for lines in printed]
    record = older.record()
    for polls in answers:
        assert len(polls) == POLLS
        failed = [each for each in polls if each["result"] != "succeed"]
        assert len(failed) <= 1, failed
        assert {each["status"] for each in failed} <= {403}
        assert polls[0]["headers"]["via"] == "1.1 pvs-bridge"
        assert polls[-1]["headers"]["via"] == "1.1 pvs-bridge-compat"
        assert polls[-1]["devices"] == polls[0]["devices"]
    assert record["most_in_flight"]["total"] == 1
    assert record["logins"] == 1
    assert older.services() == before


def test_an_update_by_way_of_a_restart_is_noticed_too(older: House) -> None:
    before = older.services()
    older.install(LOCKED)
    assert older.services() == before
    assert older.record()["logins"] == 1


def test_one_session_serves_for_its_life_however_many_ask(locked: House) -> None:
    life_seconds = 6
    locked.simulator("/_sim/settings", {"session_seconds": life_seconds})
    try:
        answers = locked.program("poll", "bridge", "0.5", "50")
    finally:
        locked.simulator("/_sim/settings", {"session_seconds": 360})
    record = locked.record()
    assert {each["result"] for each in answers} == {"succeed"}
    # The session that was there before, and one after the end of each.
    lives = (answers[-1]["at"] - answers[0]["at"]) / life_seconds
    assert 2 <= record["logins"] <= lives + 2
    assert record["login_failures"] == 0
    assert record["most_in_flight"]["total"] == 1


def test_the_pi_still_knows_the_firmware_after_a_reboot_with_the_pvs_off(locked: House) -> None:
    locked.say("pvs-off")
    try:
        locked.reboot()
        said: dict[str, Any] = {}

        def answers() -> bool:
            nonlocal said
            with contextlib.suppress(AssertionError):
                (said,) = locked.program("poll", "bridge", "0", "1")
            return bool(said) and said["headers"].get("via") == "1.1 pvs-bridge-compat"

        assert locked.until(answers, 60), said
        assert said["status"] == 503
    finally:
        locked.say("pvs-on")
    # A simulator begins anew, with the firmware that it was made with.
    locked.install(OPEN)
