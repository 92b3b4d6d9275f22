"""Each event is told once."""

from __future__ import annotations

import dataclasses

import pytest
from unit.notify.owner import CABLE, HOT, WORN, Owner

from pvs_bridge.notify.snapshot import Condition

ANSWER = dataclasses.replace(CABLE, name="answer", problem="The PVS does not answer.")


def lasting(condition: Condition, minutes: float) -> Condition:
    """Return a condition that has lasted for some time."""
    return dataclasses.replace(condition, seconds=minutes * 60)


def test_a_broken_bridge_is_told_after_the_time_and_once(owner: Owner) -> None:
    for minute in range(60):
        owner.minutes(1, faults=(lasting(CABLE, minute),))
        assert owner.phone.titles == (["bridge broken"] if minute >= 20 else [])
    assert owner.phone.bodies == (
        "There is no signal on the cable.\nSince 12:01 on 21 Jun.\nPush both plugs in.\n"
        "http://garage.local/bridge/"
    )


def test_a_fault_that_ends_before_the_time_is_not_told(owner: Owner) -> None:
    for minute in (5, 10, 19):
        owner.minutes(5, faults=(lasting(CABLE, minute),))
    owner.minutes(1)
    assert owner.phone.got == []


def test_the_recovery_is_told_once_with_what_was_broken(owner: Owner) -> None:
    owner.look(faults=(lasting(CABLE, 20),))
    owner.minutes(30, faults=(lasting(CABLE, 50),), healthy=False)
    # The cable is back, and the PVS has not been asked yet.
    owner.minutes(1, healthy=False)
    assert owner.phone.titles == ["bridge broken"]
    for _ in range(3):
        owner.minutes(1)
    assert owner.phone.titles == ["bridge broken", "bridge works again"]
    assert owner.phone.got[1].body.startswith(
        "The bridge works again, after 52 min. The problem was: There is no signal on the cable.\n"
        "At 12:32 on 21 Jun."
    )


def test_another_fault_after_the_first_is_told_too(owner: Owner) -> None:
    owner.look(faults=(lasting(CABLE, 20),))
    owner.minutes(5, faults=(lasting(ANSWER, 4),))
    assert owner.phone.titles == ["bridge broken"]
    owner.minutes(16, faults=(lasting(ANSWER, 20),))
    assert "The PVS does not answer." in owner.phone.got[1].body
    # The first one again, before the bridge was healthy, is not a new event.
    owner.minutes(20, faults=(lasting(CABLE, 20),))
    owner.minutes(5)
    assert owner.phone.titles == ["bridge broken", "bridge broken", "bridge works again"]


def test_after_a_restart_no_event_is_repeated(owner: Owner) -> None:
    seen = {"warnings": (HOT, WORN), "firmware": "61707", "pvs_up_seconds": 90_000.0}
    owner.look(faults=(CABLE,), **seen)
    before = list(owner.phone.titles)
    assert sorted(before) == ["bridge broken", "warning", "warning"]
    for _ in range(3):
        owner.restart()
        # Right after the start, the PVS has not been asked.
        owner.look(healthy=False)
        owner.minutes(20, faults=(lasting(CABLE, 20),), **seen)
    assert owner.phone.titles == before
    owner.restart()
    owner.minutes(1, **seen)
    assert owner.phone.titles == [*before, "bridge works again"]


def test_a_warning_is_told_once_while_it_lasts(owner: Owner) -> None:
    for day in range(30):
        owner.minutes(1440, warnings=(lasting(WORN, day * 1440 + 20),))
    assert owner.phone.titles == ["warning"]
    assert "worn" in owner.phone.bodies
    # The record was written before and after it was sent.
    assert owner.writes == 2


def test_a_warning_that_returns_each_day_is_told_once_a_week(owner: Owner) -> None:
    for _ in range(28):
        owner.minutes(720, warnings=(HOT,))
        owner.minutes(720)
    assert owner.phone.titles == ["warning"] * 4


def test_a_short_warning_is_not_told_unless_it_is_severe(owner: Owner) -> None:
    owner.look(warnings=(lasting(HOT, 19),))
    assert owner.phone.got == []
    power = Condition("under_voltage", 0, "The Pi's supply voltage is too low.", "", severe=True)
    owner.minutes(1, warnings=(power,))
    assert owner.phone.titles == ["warning"]
    # Afterwards it was too low: that is the same event.
    owner.minutes(60, warnings=(dataclasses.replace(power, severe=False, seconds=3600),))
    assert owner.phone.titles == ["warning"]


def test_a_warning_about_more_panels_is_told_again_once_a_day(owner: Owner) -> None:
    dead = Condition("devices_missing", 1200, "1 is missing.", "Wait.", devices=("a",))
    owner.look(warnings=(dead,))
    for count in range(2, 6):
        more = dataclasses.replace(
            dead, problem=f"{count} are missing.", devices=(*"abcde"[:count],)
        )
        owner.minutes(60, warnings=(more,))
    assert owner.phone.titles == ["warning"]
    owner.minutes(1200, warnings=(more,))
    owner.minutes(1440, warnings=(more,))
    # Fewer of them, and the same ones again, are not news.
    owner.minutes(1440, warnings=(dead,))
    owner.minutes(1440, warnings=(more,))
    assert [each.body.splitlines()[0] for each in owner.phone.got] == [
        "1 is missing.",
        "5 are missing.",
    ]


def test_a_warning_that_becomes_severe_is_told_again(owner: Owner) -> None:
    card = Condition("card", 1200, "The Pi's card is nearly full.", "Clean it.")
    owner.look(warnings=(card,))
    owner.minutes(1, warnings=(dataclasses.replace(card, problem="It is full.", severe=True),))
    assert owner.phone.titles == ["warning", "warning"]


@pytest.mark.parametrize("pi_restarts", [False, True])
def test_a_restart_of_the_pvs_is_told_at_once(owner: Owner, pi_restarts: bool) -> None:
    owner.look(pvs_up_seconds=90_000.0)
    owner.minutes(600, pvs_up_seconds=126_000.0)
    assert owner.phone.got == []
    if pi_restarts:
        owner.restart()
    owner.minutes(10, pvs_up_seconds=300.0)
    for minute in range(1, 60):
        owner.minutes(1, pvs_up_seconds=300.0 + minute * 60)
    assert owner.phone.titles == ["PVS restarted"]


def test_an_old_answer_is_not_a_restart(owner: Owner) -> None:
    owner.look(pvs_up_seconds=90_000.0)
    # The compat service serves an answer for up to 15 minutes while the PVS gives none.
    owner.minutes(60, pvs_up_seconds=90_000.0 + 3600 - 900)
    # The clock of the PVS loses time: half an hour in 40 days.
    owner.minutes(40 * 1440, pvs_up_seconds=90_000.0 + 3600 + 40 * 86_400 - 1800)
    assert owner.phone.got == []


def test_new_firmware_is_told_and_its_restart_is_not(owner: Owner) -> None:
    owner.look(pvs_up_seconds=90_000.0, firmware="61707")
    owner.minutes(60, pvs_up_seconds=300.0, firmware="61846")
    owner.minutes(60, pvs_up_seconds=3900.0, firmware="61846")
    # While the PVS is not read, its firmware is unknown.
    owner.minutes(60)
    assert owner.phone.titles == ["new PVS firmware"]
    assert "61846. Before, it had 61707." in owner.phone.bodies


def test_the_first_reading_is_not_an_event(owner: Owner) -> None:
    owner.look(pvs_up_seconds=300.0, firmware="61707")
    owner.minutes(5, pvs_up_seconds=600.0, firmware="61707")
    assert owner.phone.got == []
    assert owner.writes == 1
