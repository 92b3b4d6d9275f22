"""The home's programs keep working over a firmware update."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from bridges.compat.house import LOCKED, OPEN, House

POLLERS = 4
INTERVAL_SECONDS = 4
POLLS = 8


@pytest.mark.core
def test_an_update_during_requests_costs_each_program_at_most_one_answer(older: House) -> None:
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


def test_an_update_with_a_restart_is_detected_too(older: House) -> None:
    before = older.services()
    older.install(LOCKED)
    assert older.services() == before
    assert older.record()["logins"] == 1


def test_one_session_serves_all_clients_until_it_ends(locked: House) -> None:
    life_seconds = 6
    locked.simulator("/_sim/settings", {"session_seconds": life_seconds})
    try:
        answers = locked.program("poll", "bridge", "0.5", "50")
    finally:
        locked.simulator("/_sim/settings", {"session_seconds": 360})
    record = locked.record()
    assert {each["result"] for each in answers} == {"succeed"}
    # The existing session, and one after the end of each.
    lives = (answers[-1]["at"] - answers[0]["at"]) / life_seconds
    assert 2 <= record["logins"] <= lives + 2
    assert record["login_failures"] == 0
    assert record["most_in_flight"]["total"] == 1


def test_the_pi_keeps_the_firmware_over_a_reboot_with_the_pvs_off(locked: House) -> None:
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
    # The restarted simulator has its original firmware.
    locked.install(OPEN)
