"""What was told and what waits to be sent, in one small file on the card.

All times in it are ages in seconds, as of the moment at which it was written. They are counted by
the monotonic clock, so a clock that jumps by years neither repeats an event nor loses a message.
The time for which the Pi was off is not counted.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from pvs_bridge import atomic

LONGEST_QUEUE = 30
LONGEST_TEXT = 500


@dataclass
class Message:
    """A message that waits.

    Attributes:
        kind: One of the kinds in :mod:`pvs_bridge.notify.events`.
        problem: What has happened.
        hint: What helps; empty if nothing is needed.
        lasted: How long it had lasted when it was noticed.
        age: The time since then.
        to: The positions of the URLs that still need it; None: not sent to any yet.
    """

    kind: str
    problem: str
    hint: str = ""
    lasted: float = 0.0
    age: float = 0.0
    to: list[int] | None = None


@dataclass
class Broken:
    """A fault that was told.

    Attributes:
        problem: What is wrong.
        age: How long it has lasted.
    """

    problem: str
    age: float


@dataclass
class Warned:
    """A warning that was told.

    Attributes:
        age: The time since then.
        devices: What tells apart the panels that it was about.
    """

    age: float = 0.0
    devices: list[str] = field(default_factory=list)


@dataclass
class Record:
    """The keys of the file.

    Attributes:
        boot: The start of the Pi at which it was written.
        up: Seconds since that start.
        broken: The faults that were told since the bridge was healthy, by name.
        warned: The warnings that were told, by name.
        pvs_up: The time since the start of the PVS; None if it was never known.
        firmware: The firmware of the PVS; None if it was never known.
        sent: The ages of the messages that were sent within a day.
        queue: The messages that wait, the oldest first.
        dropped: How many messages were dropped because they were too old or too many.
    """

    boot: str = ""
    up: float = 0.0
    broken: dict[str, Broken] = field(default_factory=dict)
    warned: dict[str, Warned] = field(default_factory=dict)
    pvs_up: float | None = None
    firmware: str | None = None
    sent: list[float] = field(default_factory=list)
    queue: list[Message] = field(default_factory=list)
    dropped: int = 0

    def put(self, message: Message) -> None:
        """Add a message; if there are too many, the oldest one is dropped."""
        message.problem = message.problem[:LONGEST_TEXT]
        message.hint = message.hint[:LONGEST_TEXT]
        self.queue.append(message)
        self.dropped += max(0, len(self.queue) - LONGEST_QUEUE)
        del self.queue[:-LONGEST_QUEUE]


@dataclass(frozen=True)
class Store:
    """The two places of the record.

    Attributes:
        card: Where it survives a power cut.
        memory: Where it is while the card is full or read-only, so that no message is repeated.
    """

    card: Path = Path("/var/lib/pvs-bridge-notify/record.json")
    memory: Path = Path("/run/pvs-bridge-notify/record.json")

    def read(self, boot: str, now: float) -> Record:
        """Read the record, with all ages as of now; an empty one if it is missing or damaged.

        Args:
            boot: Identifies this start of the Pi.
            now: Seconds since this start.

        Raises:
            OSError: The file exists but cannot be read.
        """
        record = _read(self.memory) or _read(self.card) or Record()
        _grow_older(record, max(0.0, now - record.up) if record.boot == boot else now)
        record.boot, record.up = boot, now
        return record

    def write(self, record: Record) -> OSError | None:
        """Write the record durably; the monitor reads it as another user.

        Returns:
            the error of the card, if the record is only in memory.

        Raises:
            OSError: It cannot be written to either place.
        """
        text = json.dumps(dataclasses.asdict(record), ensure_ascii=False).encode()
        try:
            atomic.write(self.card, text, 0o644)
        except OSError as error:
            atomic.write(self.memory, text, 0o644)
            return error
        self.memory.unlink(missing_ok=True)
        return None


def _read(path: Path) -> Record | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["broken"] = {name: Broken(**each) for name, each in values["broken"].items()}
        values["warned"] = {name: Warned(**each) for name, each in values["warned"].items()}
        values["queue"] = [Message(**each) for each in values["queue"]]
        record = Record(**values)
        # A number that is damaged would end each run.
        _grow_older(record, 0.0 * record.up)
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return record


def _grow_older(record: Record, seconds: float) -> None:
    for broken in record.broken.values():
        broken.age += seconds
    for message in record.queue:
        message.age += seconds
    for warned in record.warned.values():
        warned.age += seconds
    record.sent = [age + seconds for age in record.sent]
    if record.pvs_up is not None:
        record.pvs_up += seconds
