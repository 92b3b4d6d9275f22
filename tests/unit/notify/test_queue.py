"""Messages wait for internet, quiet hours and limit; nothing is lost or repeated."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from unit.notify.owner import CABLE, HOT, NOON, WORN, Owner, Phone

from pvs_bridge.notify.outbox import is_quiet
from pvs_bridge.notify.record import LONGEST_QUEUE, LONGEST_TEXT
from pvs_bridge.notify.snapshot import Condition

MakeOwner = Callable[..., Owner]
HOUR = 60
DAY = 1440


def warning(number: int) -> Condition:
    return Condition(f"w{number}", 1200, f"Warning {number}.", "")


def test_a_message_waits_for_the_internet(owner: Owner) -> None:
    owner.phone.error = "no internet"
    owner.look(warnings=(HOT,))
    owner.minutes(5 * HOUR, warnings=(HOT,))
    owner.phone.error = None
    owner.minutes(1, warnings=(HOT,))
    owner.minutes(1, warnings=(HOT,))
    assert owner.phone.titles == ["warning"]
    # It says when it happened, not when it was sent.
    assert "Since 11:40 on 21 Jun." in owner.phone.bodies
    assert owner.record.queue == []


def test_without_a_home_network_nothing_is_tried(owner: Owner) -> None:
    owner.phone.error = "tried"
    owner.look(faults=(CABLE,), online=False)
    assert len(owner.record.queue) == 1
    assert owner.log == []


def test_a_fault_that_could_not_be_told_in_time_is_one_message(owner: Owner) -> None:
    owner.look(faults=(CABLE,), online=False)
    owner.minutes(5)
    assert owner.phone.titles == ["bridge works again"]


def test_a_message_survives_a_restart(owner: Owner) -> None:
    owner.look(warnings=(HOT,), online=False)
    owner.restart()
    owner.minutes(5)
    assert owner.phone.titles == ["warning"]


def test_a_url_that_fails_gets_its_message_later_and_the_other_only_once(owner: Owner) -> None:
    owner.phones = [Phone(0), Phone(1, "HTTP 500")]
    owner.look(warnings=(HOT,))
    owner.minutes(15, warnings=(HOT,))
    assert [len(each.got) for each in owner.phones] == [1, 0]
    owner.phones[1].error = None
    owner.minutes(15, warnings=(HOT,))
    owner.minutes(15, warnings=(HOT,))
    assert [len(each.got) for each in owner.phones] == [1, 1]
    assert owner.log == [
        "garage: warning: notify_urls[0] (test): sent",
        "garage: warning: notify_urls[1] (test): HTTP 500",
        "garage: warning: notify_urls[1] (test): HTTP 500",
        "garage: warning: notify_urls[1] (test): sent",
    ]


def test_a_url_that_was_removed_gets_nothing(owner: Owner) -> None:
    owner.phones = [Phone(0), Phone(1, "HTTP 500")]
    owner.look(warnings=(HOT,))
    owner.phones = [Phone(0)]
    owner.minutes(15, warnings=(HOT,))
    assert owner.record.queue == []
    assert owner.phone.got == []


def test_old_messages_expire_and_the_next_one_says_so(owner: Owner) -> None:
    owner.phone.error = "no internet"
    owner.look(warnings=(HOT,))
    owner.minutes(3 * DAY, warnings=(HOT,))
    owner.phone.error = None
    owner.minutes(1, warnings=(HOT, WORN))
    assert [each.body.splitlines()[0] for each in owner.phone.got] == [WORN.problem]
    assert "could not be sent before this one: 1." in owner.phone.bodies
    owner.minutes(1, warnings=(HOT, WORN, warning(1)))
    assert "could not be sent" not in owner.phone.got[1].body


def test_the_queue_is_short_and_keeps_the_newest(owner: Owner) -> None:
    for number in range(LONGEST_QUEUE + 5):
        text = Condition(f"w{number}", 1200, "x" * 5000, "y" * 5000)
        owner.look(warnings=(text,), online=False)
    record = owner.record
    assert len(record.queue) == LONGEST_QUEUE
    assert record.dropped == 5
    assert all(len(each.problem) == LONGEST_TEXT for each in record.queue)
    assert max(owner.store.written) < 64 * 1024


def test_failed_attempts_write_nothing(owner: Owner) -> None:
    owner.phone.error = "no internet"
    owner.look(warnings=(HOT,))
    written = owner.writes
    for _ in range(100):
        owner.minutes(15, warnings=(HOT,))
    assert owner.writes == written == 1


def test_the_daily_limit_delays_and_the_last_message_says_so(make_owner: MakeOwner) -> None:
    owner = make_owner(daily_limit=3)
    owner.look(warnings=tuple(map(warning, range(5))))
    assert len(owner.phone.got) == 3
    said = ["the last of 3 messages" in each.body for each in owner.phone.got]
    assert said == [False, False, True]
    owner.minutes(DAY - 1)
    assert len(owner.phone.got) == 3
    owner.minutes(2)
    assert [each.body.splitlines()[0] for each in owner.phone.got[3:]] == [
        "Warning 3.",
        "Warning 4.",
    ]


def test_the_limit_counts_over_a_restart(make_owner: MakeOwner) -> None:
    owner = make_owner(daily_limit=1)
    owner.look(warnings=(HOT,))
    owner.restart()
    owner.minutes(60, warnings=(WORN,))
    assert owner.phone.titles == ["warning"]


@pytest.mark.parametrize(
    ("hours", "of_day", "quiet"),
    [
        ("22:00-07:00", 21.9, False),
        ("22:00-07:00", 22.0, True),
        ("22:00-07:00", 3.0, True),
        ("22:00-07:00", 7.0, False),
        ("13:00-15:00", 12.9, False),
        ("13:00-15:00", 13.0, True),
        ("13:00-15:00", 15.0, False),
        ("", 3.0, False),
    ],
)
def test_quiet_hours_may_include_midnight(hours: str, of_day: float, quiet: bool) -> None:
    assert is_quiet(hours, NOON + (of_day - 12) * 3600) == quiet


def test_in_quiet_hours_messages_wait(make_owner: MakeOwner) -> None:
    owner = make_owner(quiet_hours="22:00-07:00")
    owner.minutes(11 * HOUR, warnings=(HOT,))
    owner.minutes(60, faults=(CABLE,))
    assert owner.phone.got == []
    owner.minutes(6.9 * HOUR, faults=(CABLE,))
    assert owner.phone.got == []
    owner.minutes(0.2 * HOUR, faults=(CABLE,))
    assert owner.phone.titles == ["warning", "bridge broken"]
    assert "Since 22:40 on 21 Jun." in owner.phone.bodies


def test_without_a_clock_quiet_hours_hold_a_message_for_an_hour(make_owner: MakeOwner) -> None:
    owner = make_owner(quiet_hours="22:00-07:00")
    owner.wall = None
    owner.look(warnings=(HOT,))
    owner.minutes(59)
    assert owner.phone.got == []
    owner.minutes(2)
    assert "That was 1 h 21 min ago." in owner.phone.bodies


@pytest.mark.parametrize("years", [-30, -1, 1, 30])
def test_a_clock_that_jumps_by_years_loses_and_repeats_nothing(
    make_owner: MakeOwner, years: int
) -> None:
    owner = make_owner(daily_limit=2)
    owner.phone.error = "no internet"
    owner.look(warnings=(HOT, WORN), pvs_up_seconds=90_000.0)
    assert owner.wall is not None
    owner.wall += years * 365 * 86_400
    owner.phone.error = None
    owner.minutes(1, warnings=(HOT, WORN), pvs_up_seconds=90_060.0)
    assert owner.phone.titles == ["warning", "warning"]
    owner.minutes(60, warnings=(HOT, WORN, warning(1)), pvs_up_seconds=93_660.0)
    # The limit still counts 24 hours.
    assert owner.phone.titles == ["warning", "warning"]


def test_a_damaged_record_is_replaced(owner: Owner) -> None:
    for text in ("", "{", "[]", "{}", '{"broken": 1}', '{"warned": {"a": {"age": "b"}}}'):
        owner.store.card.write_text(text)
        owner.look(firmware="61707")
        assert owner.record.firmware == "61707"


@pytest.mark.parametrize("key", ["up", "warned", "broken", "queue", "sent", "pvs_up"])
def test_any_value_of_another_type_does_no_harm(owner: Owner, key: str) -> None:
    owner.look(warnings=(HOT,), faults=(CABLE,), pvs_up_seconds=90_000.0, online=False)
    values = json.loads(owner.store.card.read_text())
    for bad in ("x", ["x"], {"x": "x"}, [{"kind": 1}]):
        owner.store.card.write_text(json.dumps({**values, key: bad}))
        owner.minutes(1)


def test_on_a_card_that_cannot_be_written_nothing_is_repeated(owner: Owner) -> None:
    full = Condition("card", 0, "The Pi's card is read-only.", "Restart the Pi.", severe=True)
    owner.store.card.parent.rmdir()
    for _ in range(5):
        owner.minutes(1, warnings=(full,))
    assert owner.phone.titles == ["warning"]
    assert "cannot write to the card" in owner.log[0]
    owner.store.card.parent.mkdir()
    owner.minutes(1, warnings=(full, HOT))
    assert owner.store.card.is_file()
    assert not owner.store.memory.exists()
    assert owner.phone.titles == ["warning", "warning"]


def test_no_message_has_the_serial_number_of_the_pvs(owner: Owner) -> None:
    bad = Condition("x", 1200, "PVS ZT164585000549W1234 is broken.", "See ZT164585000549W1234.")
    owner.look(warnings=(bad,))
    assert "PVS (serial number) is broken." in owner.phone.bodies
    assert "ZT1645" not in owner.phone.bodies
