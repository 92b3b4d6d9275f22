"""The events: what broke and what was done about it, in a small file on the card.

Each line is a JSON object. The size of the file and the number of events per day are limited, so
that a link that flaps for a year does not wear the card out.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge import atomic

LONGEST_BYTES = 64 * 1024
PER_DAY = 200
DAY_SECONDS = 86400.0
_LONGEST_TEXT = 300
_MODE = 0o640


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes:
        kind: ``broken``, ``step``, ``recovered``, ``warning``, ``cleared`` or ``pvs``.
        text: A sentence.
        time: Seconds since 1970; None while the Pi's clock was wrong.
        up_seconds: Seconds since the Pi's start.
    """

    kind: str
    text: str
    time: int | None
    up_seconds: int


@dataclass(frozen=True)
class Quota:
    """How many events were written today.

    Attributes:
        began: When the day began, in seconds since the Pi's start.
        written: The number of events since then.
    """

    began: float = 0.0
    written: int = 0


def append(path: Path, event: Event, quota: Quota) -> Quota:
    """Write an event to the disk, unless the quota is used up.

    Returns:
        the new quota.

    Raises:
        OSError: The file cannot be written, for example on a full card.
    """
    if event.up_seconds - quota.began >= DAY_SECONDS:
        quota = Quota(float(event.up_seconds))
    if quota.written > PER_DAY:
        return quota
    text = event.text[:_LONGEST_TEXT]
    if quota.written == PER_DAY:
        text = f"{PER_DAY} events within a day: no more are written today"
    values = {
        "time": event.time,
        "up_seconds": event.up_seconds,
        "kind": event.kind,
        "text": text,
    }
    _write(path, f"{json.dumps(values, ensure_ascii=False)}\n".encode())
    return Quota(quota.began, quota.written + 1)


def _write(path: Path, line: bytes) -> None:
    try:
        old = path.read_bytes()
    except FileNotFoundError:
        old = b""
    if len(old) + len(line) > LONGEST_BYTES:
        # Keep the newer half, from the beginning of a line.
        kept = old[-LONGEST_BYTES // 2 :].partition(b"\n")[2]
        atomic.write(path, kept + line, _MODE)
        return
    with path.open("ab") as file:
        # A power cut may have left half a line.
        file.write(line if old.endswith(b"\n") or not old else b"\n" + line)
        file.flush()
        os.fsync(file.fileno())
