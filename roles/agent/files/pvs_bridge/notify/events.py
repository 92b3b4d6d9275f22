"""Which events are worth a message: each is told once, whatever restarts in between."""

from __future__ import annotations

from pvs_bridge.notify.record import Broken, Message, Record, Warned
from pvs_bridge.notify.snapshot import Condition, Snapshot
from pvs_bridge.text import duration

BROKEN, RECOVERED, WARNING = "broken", "recovered", "warning"
RESTARTED, FIRMWARE, TEST = "pvs_restarted", "firmware", "test"
KINDS = frozenset({BROKEN, RECOVERED, WARNING, RESTARTED, FIRMWARE, TEST})

REPEAT_SECONDS = 7 * 86400.0
"""A warning that has ended and returns is told again after this time: a Pi that is hot each
afternoon sends a message a week."""

MORE_PANELS_SECONDS = 86400.0
"""How often a warning that is about more and more panels is told."""

_UPTIME_TOLERANCE_SECONDS = 1800.0
"""The uptime of the PVS is that of its last good answer, which is served for a while."""
_CLOCK_TOLERANCE = 0.01
"""How much the clocks of Pi and PVS may differ."""
_MOST_WARNED = 200
_SEVERE = "!"


def notice(record: Record, snapshot: Snapshot, after_seconds: float) -> bool:
    """Put a message for each new event in the queue.

    Args:
        record: What was told before; it is changed.
        snapshot: The bridge now.
        after_seconds: How long a fault or a warning must last.

    Returns:
        whether the record has changed, so that it must be written.
    """
    found = [
        _notice_faults(record, snapshot, after_seconds),
        _notice_warnings(record, snapshot, after_seconds),
        _notice_pvs(record, snapshot),
    ]
    return any(found)


def _notice_faults(record: Record, snapshot: Snapshot, after_seconds: float) -> bool:
    new = [
        each
        for each in snapshot.faults
        if each.seconds >= after_seconds and each.name not in record.broken
    ]
    for each in new:
        record.broken[each.name] = Broken(each.problem, each.seconds)
        record.put(Message(BROKEN, each.problem, each.hint, each.seconds))
    if not record.broken or not snapshot.healthy:
        return bool(new)
    first = max(record.broken.values(), key=lambda each: each.age)
    # What has not been sent yet is told by this message.
    record.queue = [each for each in record.queue if each.kind != BROKEN or each.to is not None]
    lasted = duration(int(first.age))
    text = f"The bridge works again, after {lasted}. The problem was: {first.problem}"
    record.put(Message(RECOVERED, text))
    record.broken = {}
    return True


def _notice_warnings(record: Record, snapshot: Snapshot, after_seconds: float) -> bool:
    active = {each.name for each in snapshot.warnings}
    ended = [
        key
        for key, told in record.warned.items()
        if told.age >= REPEAT_SECONDS and key.removesuffix(_SEVERE) not in active
    ]
    for key in ended:
        del record.warned[key]
    new = False
    for each in snapshot.warnings:
        severe = f"{each.name}{_SEVERE}"
        key = severe if each.severe else each.name
        # A warning that becomes severe is another event; one that becomes less so is not.
        told = record.warned.get(severe) or record.warned.get(key)
        if (each.severe or each.seconds >= after_seconds) and _is_news(each, told):
            devices = {*each.devices, *(told.devices if told else ())}
            record.warned[key] = Warned(devices=sorted(devices)[:_MOST_WARNED])
            record.put(Message(WARNING, each.problem, each.hint, each.seconds))
            new = True
    for key in sorted(record.warned, key=lambda key: record.warned[key].age)[_MOST_WARNED:]:
        del record.warned[key]
    return new or bool(ended)


def _is_news(warning: Condition, told: Warned | None) -> bool:
    """Return whether a warning was not told, or is about more panels since a day."""
    if told is None:
        return True
    return told.age >= MORE_PANELS_SECONDS and not set(warning.devices) <= set(told.devices)


def _notice_pvs(record: Record, snapshot: Snapshot) -> bool:
    changed = False
    up, expected = snapshot.pvs_up_seconds, record.pvs_up
    restarted = up is not None and expected is not None and up < _least_uptime(expected)
    if up is not None and (expected is None or restarted):
        record.pvs_up = up
        changed = True
    firmware, before = snapshot.firmware, record.firmware
    if firmware and firmware != before:
        record.firmware = firmware
        changed = True
        if before:
            record.put(
                Message(
                    FIRMWARE,
                    f"The PVS has new firmware: {firmware}. Before, it had {before}.",
                    "Check that your programs still get their data.",
                )
            )
            # New firmware restarts the PVS, which is the same event.
            return True
    if restarted and up is not None:
        record.put(
            Message(
                RESTARTED,
                "The PVS has restarted.",
                "After a power cut or an update, nothing is needed. If it restarts often, reduce "
                "the number of programs that ask it.",
                up,
            )
        )
    return changed


def _least_uptime(expected: float) -> float:
    return expected - max(_UPTIME_TOLERANCE_SECONDS, _CLOCK_TOLERANCE * expected)
