"""When messages are sent, and what they say: quiet hours, the daily limit, and old messages."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from pvs_bridge.config import NotifyConfig
from pvs_bridge.notify import events
from pvs_bridge.notify.record import Message, Record
from pvs_bridge.text import duration

DAY_SECONDS = 86400.0
EXPIRE_SECONDS = 3 * DAY_SECONDS
WITHOUT_CLOCK_SECONDS = 3600.0
"""How long a message waits for a clock, without which there are no quiet hours."""

_TITLES = {
    events.BROKEN: "bridge broken",
    events.RECOVERED: "bridge works again",
    events.WARNING: "warning",
    events.RESTARTED: "PVS restarted",
    events.FIRMWARE: "new PVS firmware",
    events.TEST: "test message",
}
# The end of a PVS's serial number is its password; services that send messages store them.
_SERIAL = re.compile(r"\bZT[0-9]{6}[0-9A-Z]{7,14}\b")


@dataclass(frozen=True)
class Text:
    """A message as a person reads it.

    Attributes:
        title: The bridge, and what has happened.
        body: Lines: the problem, since when, what helps, and the address of the page.
    """

    title: str
    body: str


def expire(record: Record) -> bool:
    """Drop messages that are too old to be of use; return whether there were any."""
    kept = [each for each in record.queue if each.age < EXPIRE_SECONDS]
    old = len(record.queue) - len(kept)
    record.queue = kept
    record.dropped += old
    return old > 0


def due(record: Record, config: NotifyConfig, wall: float | None) -> list[Message]:
    """Return the messages that may be sent now, the oldest first.

    Args:
        record: The queue, and what was sent.
        config: Quiet hours and limit.
        wall: Seconds since 1970; None while the Pi's clock is wrong.
    """
    left = config.daily_limit - sum(age < DAY_SECONDS for age in record.sent)
    found = []
    for each in record.queue:
        waits = (
            each.age < WITHOUT_CLOCK_SECONDS if wall is None else is_quiet(config.quiet_hours, wall)
        )
        if config.quiet_hours and waits:
            continue
        # One that has reached some of the URLs has been counted.
        if each.to is None:
            if left <= 0:
                continue
            left -= 1
        found.append(each)
    return found


def is_quiet(hours: str, wall: float) -> bool:
    """Return whether a moment is within quiet hours, such as ``22:00-07:00``.

    Args:
        hours: Local time; empty for none.
        wall: Seconds since 1970.
    """
    if not hours:
        return False
    begin, end = hours.split("-")
    now = time.strftime("%H:%M", time.localtime(wall))
    return begin <= now < end if begin <= end else now >= begin or now < end


def count(record: Record) -> None:
    """Count a message that was sent."""
    record.sent = [*(age for age in record.sent if age < DAY_SECONDS), 0.0]
    record.dropped = 0


def text_of(message: Message, record: Record, config: NotifyConfig, wall: float | None) -> Text:
    """Return what a message says.

    Args:
        message: The message.
        record: What was sent and dropped before it.
        config: The name and the page of the bridge.
        wall: Seconds since 1970; None while the Pi's clock is wrong.
    """
    lines = [message.problem, _since(message, wall), message.hint]
    if record.dropped:
        lines.append(f"Messages that could not be sent before this one: {record.dropped}.")
    before = sum(age < DAY_SECONDS for age in record.sent)
    is_new = message.to is None and message.kind != events.TEST
    if is_new and before == config.daily_limit - 1:
        lines.append(
            f"This is the last of {config.daily_limit} messages within 24 hours; others wait."
        )
    lines.append(config.page)
    body = "\n".join(line for line in lines if line)
    title = f"{config.name}: {_TITLES.get(message.kind, message.kind)}"
    return Text(_SERIAL.sub("(serial number)", title), _SERIAL.sub("(serial number)", body))


def _since(message: Message, wall: float | None) -> str:
    if message.kind == events.TEST:
        return ""
    seconds = message.age + message.lasted
    if wall is None:
        return f"That was {duration(int(seconds))} ago." if seconds >= 60 else ""
    at = time.strftime("%H:%M on %d %b", time.localtime(wall - seconds))
    return f"Since {at}." if message.kind in (events.BROKEN, events.WARNING) else f"At {at}."
