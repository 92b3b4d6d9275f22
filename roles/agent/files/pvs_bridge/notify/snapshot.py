"""What the monitor tells about the bridge: all that the notifications know, without a secret.

The service that sends them talks to the internet, so it does not get the monitor's state, which has
the serial number of the PVS.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge import atomic


@dataclass(frozen=True)
class Condition:
    """A broken link or unit, or an active warning.

    Attributes:
        name: Identifies it; names do not change.
        seconds: How long it has lasted.
        problem: What is wrong.
        hint: What helps.
        severe: Whether the bridge may fail at any moment.
        devices: What tells apart the panels that it is about.
    """

    name: str
    seconds: float
    problem: str
    hint: str
    severe: bool = False
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """The bridge at one moment.

    Attributes:
        boot: Identifies the start of the Pi; times of another start are not comparable.
        healthy: Whether nothing is broken and the PVS has answered.
        online: Whether the Pi is connected to the home network, as far as is known.
        faults: What is broken.
        warnings: The active warnings.
        pvs_up_seconds: The time since the start of the PVS; None if unknown.
        firmware: The firmware of the PVS; None if unknown.
    """

    boot: str
    healthy: bool
    online: bool
    faults: tuple[Condition, ...] = ()
    warnings: tuple[Condition, ...] = ()
    pvs_up_seconds: float | None = None
    firmware: str | None = None


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot for the service that sends.

    Raises:
        OSError: The file cannot be written.
    """
    text = json.dumps(dataclasses.asdict(snapshot), ensure_ascii=False)
    atomic.write(path, text.encode(), 0o600)


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        OSError: The file cannot be read.
        ValueError: It was not written by :func:`write_snapshot` of this version.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        for key in ("faults", "warnings"):
            values[key] = tuple(
                Condition(**{**each, "devices": tuple(each["devices"])}) for each in values[key]
            )
        return Snapshot(**values)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{path}: unknown keys") from error
