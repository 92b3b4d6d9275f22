"""One run of the sender: notice events, send what is due, and record it on the card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pvs_bridge.config import NotifyConfig
from pvs_bridge.notify import events, outbox
from pvs_bridge.notify.outbox import Text
from pvs_bridge.notify.record import Message, Record, Store
from pvs_bridge.notify.snapshot import Snapshot


class Target(Protocol):
    """Where messages go; see :class:`pvs_bridge.notify.delivery.Target`."""

    @property
    def position(self) -> int:
        """The place of its URL in the list."""

    @property
    def name(self) -> str:
        """Its name in the log."""

    def send(self, text: Text, kind: str, /) -> str | None:
        """Send a message; return the error."""


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        record: The record with the new events.
        changed: Whether it must be written.
        due: The messages to send now.
    """

    record: Record
    changed: bool
    due: list[Message]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changed and not self.due


def plan(
    config: NotifyConfig, snapshot: Snapshot, store: Store, now: float, wall: float | None
) -> Plan:
    """Find out what there is to do. The monitor does this each minute, and starts a run for it.

    Args:
        config: The limits.
        snapshot: The bridge now.
        store: The record.
        now: Seconds since the Pi's start.
        wall: Seconds since 1970; None while the Pi's clock is wrong.

    Raises:
        OSError: The record cannot be read.
    """
    record = store.read(snapshot.boot, now)
    noticed = events.notice(record, snapshot, config.after_seconds)
    changed = outbox.expire(record) or noticed
    return Plan(record, changed, outbox.due(record, config, wall) if snapshot.online else [])


def run(
    config: NotifyConfig,
    todo: Plan,
    store: Store,
    targets: Sequence[Target],
    wall: float | None,
    log: Callable[[str], None],
) -> None:
    """Do what a plan says.

    A message is on the card before it is sent, and leaves the card after it was sent: a power cut
    in between repeats it, and never loses it.

    Args:
        config: The limits.
        todo: The plan.
        store: The record.
        targets: Where messages go.
        wall: Seconds since 1970; None while the Pi's clock is wrong.
        log: Writes to the journal.

    Raises:
        OSError: The record cannot be written, not even to memory.
    """
    record = todo.record

    def save() -> None:
        error = store.write(record)
        if error:
            log(f"cannot write to the card, so the record is in memory: {error}")

    if todo.changed:
        save()
    for message in todo.due:
        text = outbox.text_of(message, record, config, wall)
        if _send(message, record, text, targets, log):
            save()


def _send(
    message: Message,
    record: Record,
    text: Text,
    targets: Sequence[Target],
    log: Callable[[str], None],
) -> bool:
    """Send a message to the URLs that still need it; return whether the record has changed."""
    wanted = [each for each in targets if message.to is None or each.position in message.to]
    errors = {each: each.send(text, message.kind) for each in wanted}
    for target, error in errors.items():
        log(f"{text.title}: {target.name}: {error or 'sent'}")
    left = [each.position for each, error in errors.items() if error]
    if not targets or left == (message.to or [each.position for each in targets]):
        return False
    if message.to is None:
        outbox.count(record)
    message.to = left
    if not left:
        record.queue.remove(message)
    return True
