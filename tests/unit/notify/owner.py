"""The owner of a bridge: a clock, a record on a card, and URLs that keep what they get."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvs_bridge.config import NotifyConfig
from pvs_bridge.notify import sender
from pvs_bridge.notify.outbox import Text
from pvs_bridge.notify.record import Record, Store
from pvs_bridge.notify.snapshot import Condition, Snapshot

CABLE = Condition("cable", 1200, "There is no signal on the cable.", "Push both plugs in.")
HOT = Condition("temperature", 1200, "The Pi is hot: 81 °C.", "Give it more air.")
WORN = Condition("flash_wear", 1200, "The PVS's flash memory is worn.", "Ask an installer.")
NOON = datetime(2026, 6, 21, 19, tzinfo=UTC).timestamp()
"""A noon in Los Angeles."""


@dataclass(eq=False)
class Phone:
    """A URL of the test.

    Attributes:
        position: The place in the list of URLs.
        error: What it answers; None: it accepts messages.
        got: The messages.
    """

    position: int = 0
    error: str | None = None
    got: list[Text] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name in the log."""
        return f"notify_urls[{self.position}] (test)"

    def send(self, text: Text, _kind: str) -> str | None:
        """Keep a message, unless there is an error."""
        if self.error is None:
            self.got.append(text)
        return self.error

    @property
    def titles(self) -> list[str]:
        """What has happened, without the bridge's name."""
        return [each.title.removeprefix("garage: ") for each in self.got]

    @property
    def bodies(self) -> str:
        """All bodies."""
        return "\n\n".join(each.body for each in self.got)


class Owner:
    """Runs plan and sender as the monitor does each minute.

    Attributes:
        phones: The URLs.
        now: Seconds since the Pi's start.
        wall: Seconds since 1970 at the Pi's start; None while the clock is wrong.
        log: The journal.
        writes: How often the record was written.
    """

    def __init__(self, folder: Path, **chosen: Any) -> None:  # noqa: ANN401 - any key
        """Begin with a card without a record."""
        values = {
            "name": "garage",
            "page": "http://garage.local/bridge/",
            "after_seconds": 1200,
            "quiet_hours": "",
            "daily_limit": 10,
            **chosen,
        }
        self.config = NotifyConfig(**values)
        self.store = _Counted(folder / "card/record.json", folder / "memory.json")
        self.store.card.parent.mkdir()
        self.phones = [Phone()]
        self.boot = "first"
        self.now = 600.0
        self.wall: float | None = NOON - 600
        self.log: list[str] = []

    def look(self, **known: Any) -> None:  # noqa: ANN401 - any part of a snapshot
        """Let the monitor see the bridge; healthy and online unless the test says otherwise."""
        healthy = not known.get("faults")
        snapshot = Snapshot(**{"boot": self.boot, "healthy": healthy, "online": True, **known})
        wall = None if self.wall is None else self.wall + self.now
        todo = sender.plan(self.config, snapshot, self.store, self.now, wall)
        if not todo.empty:
            sender.run(self.config, todo, self.store, self.phones, wall, self.log.append)

    def minutes(self, count: float, **known: Any) -> None:  # noqa: ANN401 - any part of a snapshot
        """Let time pass, then look."""
        self.now += count * 60
        self.look(**known)

    def restart(self) -> None:
        """Restart the Pi; its clock is right afterwards."""
        self.boot += "+"
        self.wall = None if self.wall is None else self.wall + self.now
        self.now = 30.0

    @property
    def phone(self) -> Phone:
        """The first URL."""
        return self.phones[0]

    @property
    def writes(self) -> int:
        """How often the record was written."""
        return len(self.store.written)

    @property
    def record(self) -> Record:
        """The record on the card."""
        return self.store.read(self.boot, self.now)


@dataclass(frozen=True)
class _Counted(Store):
    """Counts the writes; a folder that is missing is a card that cannot be written."""

    written: list[int] = field(default_factory=list)

    def write(self, record: Record) -> OSError | None:
        """Count and write."""
        error = super().write(record)
        self.written.append((self.memory if error else self.card).stat().st_size)
        return error
