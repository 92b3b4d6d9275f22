"""The incidents: what went wrong and what was done about it, in a small file on the card.

One object of JSON a line. The file is bounded, and so is what is written in a day, so that a link
that flaps for a year wears no card out.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge import atomic

LONGEST_BYTES = 64 * 1024
A_DAY = 200
DAY_SECONDS = 86400.0
_TEXT = 300
_MODE = 0o640


@dataclass(frozen=True)
class Incident:
    """Something that happened.

    Attributes:
        kind: ``broken``, ``step``, ``recovered``, ``warning``, ``cleared`` or ``pvs``.
        text: in plain words.
        time: seconds since 1970; None while the Pi's clock was not right.
        up_seconds: how long the Pi was up.
    """

    kind: str
    text: str
    time: int | None
    up_seconds: int


@dataclass(frozen=True)
class Ration:
    """What may still be written today.

    Attributes:
        began: when this day of the ration began, on the clock that only grows.
        written: how much was written since.
    """

    began: float = 0.0
    written: int = 0


def append(path: Path, incident: Incident, ration: Ration) -> Ration:
    """Write an incident down, and onto the disk, if the ration has room for it.

    Returns:
        what is left of the ration.

    Raises:
        OSError: The file cannot be written, such as on a card that is full.
    """
    if incident.up_seconds - ration.began >= DAY_SECONDS:
        ration = Ration(float(incident.up_seconds))
    if ration.written > A_DAY:
        return ration
    text = incident.text[:_TEXT]
    if ration.written == A_DAY:
        text = f"{A_DAY} incidents within a day: no more are written down today"
    values = {
        "time": incident.time,
        "up_seconds": incident.up_seconds,
        "kind": incident.kind,
        "text": text,
    }
    _write(path, f"{json.dumps(values, ensure_ascii=False)}\n".encode())
    return Ration(ration.began, ration.written + 1)


def _write(path: Path, line: bytes) -> None:
    try:
        old = path.read_bytes()
    except FileNotFoundError:
        old = b""
    if len(old) + len(line) > LONGEST_BYTES:
        # The newer half, from the beginning of a line on.
        kept = old[-LONGEST_BYTES // 2 :].partition(b"\n")[2]
        atomic.write(path, kept + line, _MODE)
        return
    with path.open("ab") as file:
        # A power cut may have left half a line.
        file.write(line if old.endswith(b"\n") or not old else b"\n" + line)
        file.flush()
        os.fsync(file.fileno())
