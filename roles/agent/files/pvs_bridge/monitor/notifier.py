"""Start the service that sends messages, when it has something to do.

The monitor runs each minute anyway, so it looks for events; the service, which takes a Pi some
seconds and 40 MiB, starts only for an event or a message that waits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pvs_bridge.config import NotifyConfig
from pvs_bridge.health.outcomes import BROKEN, OK
from pvs_bridge.monitor.actions import Commands
from pvs_bridge.monitor.state import Attempts, State
from pvs_bridge.notify import sender
from pvs_bridge.notify.record import Store
from pvs_bridge.notify.snapshot import Condition, Snapshot, write_snapshot

START: Commands = [["systemctl", "start", "--no-block", "pvs-bridge-notify.service"]]
LONGEST_PAUSE_SECONDS = 900.0
_FIRST_PAUSE_SECONDS = 60.0
_DOUBLINGS = 4
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Paths:
    """The files of the notifications.

    Attributes:
        snapshot: What the service gets of the bridge.
        store: What was told and what waits.
        boot: Identifies the start of the Pi.
    """

    snapshot: Path = Path("/run/pvs-bridge-monitor/snapshot.json")
    store: Store = field(default_factory=Store)
    boot: Path = _BOOT


def is_due(
    state: State, config: NotifyConfig, paths: Paths, now: float, wall: float | None
) -> bool:
    """Return whether the service has to start; if so, its snapshot is written.

    A service that could not send is started again after a pause that grows, and at once for a new
    event.

    Args:
        state: The result of this run; the attempts in it are changed.
        config: The limits.
        paths: The files.
        now: Seconds since the Pi's start.
        wall: Seconds since 1970; None while the Pi's clock is wrong.

    Raises:
        OSError: A file cannot be read or written.
    """
    snapshot = snapshot_of(state, now, paths.boot.read_text(encoding="ascii").strip())
    todo = sender.plan(config, snapshot, paths.store, now, wall)
    if todo.empty:
        state.attempts = Attempts()
        return False
    about = todo.record.queue[-1].problem if todo.record.queue else ""
    before = state.attempts if state.attempts.about == about else Attempts()
    pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(before.count, _DOUBLINGS), LONGEST_PAUSE_SECONDS)
    if before.count and now - before.at < pause:
        return False
    state.attempts = Attempts(before.count + 1, now, about)
    write_snapshot(paths.snapshot, snapshot)
    return True


def snapshot_of(state: State, now: float, boot: str) -> Snapshot:
    """Return what the notifications know of a state."""
    states = {each["link"]: each["state"] for each in state.links}
    supervisor = (state.plant or {}).get("supervisor") or {}
    uptime, read = supervisor.get("uptime_seconds"), state.read
    return Snapshot(
        boot=boot,
        healthy=not state.faults and states.get("answer") == OK,
        online=states.get("uplink") != BROKEN,
        faults=tuple(_faults(state, now)),
        warnings=tuple(
            Condition(
                each["name"],
                now - each["since"],
                each["problem"],
                each["hint"],
                each["severe"],
                tuple(map(_fingerprint, each["devices"])),
            )
            for each in state.warnings
        ),
        pvs_up_seconds=None if uptime is None or read is None else uptime + now - read,
        firmware=supervisor.get("firmware") or None,
    )


def _fingerprint(serial: str) -> str:
    """Return what tells a panel apart, but does not name it."""
    return hashlib.sha256(serial.encode()).hexdigest()[:8]


def _faults(state: State, now: float) -> Iterator[Condition]:
    links: dict[str, dict[str, Any]] = {each["link"]: each for each in state.links}
    for fault in state.faults:
        link = links.get(fault.name, {})
        unit = fault.name.partition(" ")[2]
        problem = link.get("problem") or f"The service {unit or fault.name} does not work."
        hint = link.get("hint") or "The monitor restarts it. If that does not help, restart the Pi."
        yield Condition(fault.name, now - fault.since, problem, hint)
