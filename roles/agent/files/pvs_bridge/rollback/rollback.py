"""A change of the network that is undone unless it is confirmed.

arm      save files and runtime state, and start a timer; nothing has changed yet
apply    make the change, independent of the session that requested it; restart the timer
confirm  the controller has reconnected: stop the timer, and delete what was saved
undo     the timer, a failed change, a user or the next boot restores everything

One file, the marker, exists while a change is not confirmed. It is the last file written by arm and
the last one removed by undo, so a power cut at any moment leaves either nothing to undo or
everything that the undo needs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.errors import IssueError
from pvs_bridge.host.paths import ROLLBACK, UNCONFIRMED_CHANGE
from pvs_bridge.rollback import runtime
from pvs_bridge.rollback.snapshot import Differences, Snapshot, SnapshotError

DEADLINE_UNIT = "pvs-bridge-rollback-deadline"
CHANGE_UNIT = "pvs-bridge-rollback-change"
PROGRAM = ("/usr/local/bin/pvs-bridge", "rollback")
LOCK = Path("run/pvs-bridge-rollback.lock")
SCRIPT = Path("run/pvs-bridge-rollback-change.sh")
CONFIRMED = Path("run/pvs-bridge-rollback-confirmed")

# systemd reads these before the rollback runs at boot, so a restored file takes effect at the next
# boot only.
_READ_BEFORE_BOOT_UNDO = ("etc/systemd/", "etc/modprobe.d/", "etc/netplan/", "etc/default/")
_KEPT_REJECTIONS = 5
# The session that requested the change gets its answer within this time, before the change may
# break the connection.
_ANSWER_SECONDS = 2


class RollbackError(IssueError):
    """A command that cannot be carried out."""


@dataclass(frozen=True)
class Change:
    """A change that is not confirmed.

    Attributes:
        id: Identifies the change for its controller; empty if the marker is damaged.
        controller: Who makes the change, as a text.
        timeout_seconds: How long it may stay unconfirmed.
        armed_seconds: When it was armed, in seconds since the boot.
        deadline_seconds: When it will be undone, in seconds since the boot.
        before: The state before; see :func:`runtime.record`. Empty if the marker is damaged.
        applied: Whether applying it has begun.
        undone: The paths that an undo has begun to restore.
        rejected: The folder for the files that this undo replaces.
    """

    id: str
    controller: str
    timeout_seconds: int
    armed_seconds: float
    deadline_seconds: float
    before: dict[str, Any] = field(default_factory=dict)
    applied: bool = False
    undone: list[str] = field(default_factory=list)
    rejected: str = ""

    def goes_by(self, identifier: str | None) -> bool:
        """Return whether an identifier is that of this change; None matches any change."""
        return identifier is None or self.id in ("", identifier)

    @property
    def age_seconds(self) -> int:
        """The seconds since it was armed, or since the boot."""
        return int(max(0.0, _now() - self.armed_seconds))

    @property
    def left_seconds(self) -> int:
        """The seconds until it is undone."""
        return int(max(0.0, self.deadline_seconds - _now()))


class Rollback:
    """The changes of one Pi; at most one is not confirmed.

    Args:
        root: The root of the file system; a folder in tests.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        """Set the paths; nothing is read or written yet."""
        self.folder = root / ROLLBACK
        self.marker = root / UNCONFIRMED_CHANGE
        self.last = self.folder / "last.json"
        self.rejected = self.folder / "rejected"
        self.snapshot = Snapshot(self.folder / "snapshot.tar", root)
        self._lock = root / LOCK
        self._script = root / SCRIPT
        self._confirmed = root / CONFIRMED
        self._hostname = root / "etc/hostname"

    def pending(self) -> Change | None:
        """Return the change that is not confirmed; None if there is none."""
        try:
            return Change(**json.loads(self.marker.read_text()))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError):
            # A damaged card. The files can be restored without the content of the marker.
            return Change("", "an unknown controller", 0, _now(), _now())

    def last_undone(self) -> dict[str, Any]:
        """Return the last undo: id, controller, reason, files, folder, when; empty without one."""
        try:
            found: dict[str, Any] = json.loads(self.last.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def arm(
        self, identifier: str, controller: str, timeout_seconds: int, interfaces: Sequence[str]
    ) -> None:
        """Save the current state, and start the timer.

        Do nothing if the same controller has armed it already.

        Raises:
            RollbackError: Another controller's change is not confirmed, the disk is full, or the
                first part of this change was undone already.
        """
        with self._locked():
            pending = self.pending()
            if pending and pending.id != identifier:
                raise _refusal(pending)
            if pending:
                return
            if self._was_undone(identifier):
                raise RollbackError(
                    f"this change cannot continue{self._undone_because(identifier)}", "run again"
                )
            try:
                self.snapshot.take()
                before = runtime.record(interfaces)
                # The timer before the marker: a timer without a marker does nothing, but a marker
                # without a timer would wait for ever.
                self._set_timer(identifier, timeout_seconds)
                now = _now()
                deadline = now + timeout_seconds
                self._mark(Change(identifier, controller, timeout_seconds, now, deadline, before))
            except OSError as error:
                runtime.stop_timer(DEADLINE_UNIT)
                self._forget()
                raise RollbackError(
                    f"the rollback could not be armed, so nothing was changed: {error}",
                    f"free space on the Pi's card (df -h {self.folder.parent})",
                ) from error
            os.sync()

    def apply(self, identifier: str, script: str) -> None:
        """Apply the change in a service of its own, independent of the caller's session.

        Args:
            identifier: The change's identifier.
            script: A shell script; if it fails, the change is undone.

        Raises:
            RollbackError: This change is not armed.
        """
        with self._locked():
            change = self.pending()
            if change is None or change.id != identifier:
                raise RollbackError(
                    f"the change {identifier} is not armed{self._undone_because(identifier)}"
                )
            deadline = _now() + change.timeout_seconds
            self._mark(replace(change, applied=True, deadline_seconds=deadline))
            self._set_timer(identifier, change.timeout_seconds)
            # In a file, because systemd expands variables in a command.
            self._script.write_text(script)
            undo = f'{" ".join(PROGRAM)} undo --id {identifier} --reason "it could not be applied"'
            # Without semicolons, because systemd 252 escapes them and then warns about the escape.
            command = (
                f"sleep {_ANSWER_SECONDS}\n/bin/sh -e {self._script} || {{\n{undo}\nexit 1\n}}"
            )
            runtime.start_service(
                CHANGE_UNIT, "Network change, not confirmed yet", "/bin/sh", "-c", command
            )

    def confirm(self, identifier: str | None = None, *, look: bool = False) -> str:
        """Keep the change permanently, after it has been applied.

        Args:
            identifier: The change's identifier; None for any change.
            look: Only check: return ``applied`` in place of confirming.

        Returns:
            ``confirmed``, also if it was confirmed before; ``armed`` if applying has not begun, and
            an identifier is given; ``applying`` while it is being applied, or has failed and is
            about to be undone; ``undone``; or ``nothing`` without a change.
        """
        with self._locked():
            change = self.pending()
            if change is None or not change.goes_by(identifier):
                return self._outcome(identifier)
            if identifier is not None and not change.applied:
                return "armed"
            if change.applied and runtime.service_state(CHANGE_UNIT) != "done":
                return "applying"
            if look:
                return "applied"
            # The answer may get lost, and then the controller asks again.
            with contextlib.suppress(OSError):
                self._confirmed.write_text(change.id)
            self.marker.unlink()
            atomic.sync_folder(self.folder)
            runtime.stop_timer(DEADLINE_UNIT)
            self.snapshot.forget()
            # Files that were rejected before may contain an old passphrase.
            shutil.rmtree(self.rejected, ignore_errors=True)
            return "confirmed"

    def undo(self, reason: str, identifier: str | None = None, *, booting: bool = False) -> bool:
        """Restore everything.

        Args:
            reason: The reason, as a text.
            identifier: The change's identifier; None for any change.
            booting: Whether the network has not started yet, so that only files are restored.

        Returns:
            whether there was a change to undo.
        """
        with self._locked():
            change = self.pending()
            if change is None or not change.goes_by(identifier):
                return False
            runtime.say(f"undoing the change of {change.controller}: {reason}")
            if not (booting or runtime.is_inside(CHANGE_UNIT)):
                runtime.stop_service(CHANGE_UNIT)
            self.snapshot.make_room()
            differences, problem = self._differences()
            change = self._begin(change, differences)
            self.snapshot.restore(differences, Path(change.rejected))
            if not booting and change.before:
                runtime.restore(change.before, change.undone)
            self._remember(change, reason + problem)
            self._forget()
            # The timer runs until the end, because it repeats an undo that was interrupted.
            if booting:
                self._go_on_booting(differences)
            else:
                runtime.stop_timer(DEADLINE_UNIT)
                if not change.before:
                    runtime.say("the Pi restarts, because its state before the change is unknown")
                    runtime.reboot()
            return True

    def _differences(self) -> tuple[Differences, str]:
        """Compare with the snapshot; a damaged snapshot ends the change without restoring files."""
        try:
            return self.snapshot.differences(), ""
        except SnapshotError as error:
            runtime.say(str(error))
            return {}, "; the saved files cannot be read, so the files were not restored"

    def _begin(self, change: Change, differences: Differences) -> Change:
        """Record the paths to restore, because after an interruption they no longer differ.

        Returns:
            the change with these paths.
        """
        undone = list(dict.fromkeys([*change.undone, *differences]))
        for path in undone:
            runtime.say(f"  /{path}")
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{change.id[:8]}".rstrip("-")
        change = replace(
            change, undone=undone, rejected=change.rejected or str(self.rejected / name)
        )
        try:
            self._mark(change)
        except OSError as error:
            runtime.say(f"{self.marker}: {error}")
        return change

    def _go_on_booting(self, differences: Differences) -> None:
        """Continue the boot with the restored files, or restart it."""
        with contextlib.suppress(OSError):
            runtime.set_hostname(self._hostname.read_text().strip())
        if any(path.startswith(_READ_BEFORE_BOOT_UNDO) for path in differences):
            runtime.say("the Pi restarts, because systemd has read the rejected files already")
            runtime.reboot()

    def _was_undone(self, identifier: str) -> bool:
        return bool(self.last_undone().get("id") == identifier)

    def _undone_because(self, identifier: str) -> str:
        undone = self._was_undone(identifier)
        return f": it was undone, {self.last_undone()['reason']}" if undone else ""

    def _outcome(self, identifier: str | None) -> str:
        """Return the outcome of a change that has ended."""
        if identifier is None:
            return "nothing"
        if self._was_undone(identifier):
            return "undone"
        with contextlib.suppress(FileNotFoundError):
            if self._confirmed.read_text() == identifier:
                return "confirmed"
        return "nothing"

    def _remember(self, change: Change, reason: str) -> None:
        """Record the undo, if the disk has space for it."""
        folder = Path(change.rejected)
        last = {
            "id": change.id,
            "controller": change.controller,
            "reason": reason,
            "files": [runtime.readable(f"/{path}") for path in change.undone],
            "folder": str(folder) if folder.is_dir() else "",
            "when": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        try:
            atomic.write(self.last, runtime.as_json(last).encode())
        except OSError as error:
            runtime.say(f"{self.last}: {error}")
        # Sorted by name. The current folder is kept in any case: at boot the clock may be wrong.
        older = set(self.rejected.iterdir()) - {folder} if self.rejected.is_dir() else set()
        for old in sorted(older)[: -(_KEPT_REJECTIONS - 1)]:
            shutil.rmtree(old, ignore_errors=True)

    def _mark(self, change: Change) -> None:
        atomic.write(self.marker, runtime.as_json(asdict(change)).encode())

    def _forget(self) -> None:
        self.marker.unlink(missing_ok=True)
        atomic.sync_folder(self.folder)
        self.snapshot.forget()

    def _set_timer(self, identifier: str, seconds: int) -> None:
        runtime.start_timer(
            DEADLINE_UNIT, "Undo of an unconfirmed network change", seconds,
            *PROGRAM, "undo", "--id", identifier,
            "--reason", f"it was not confirmed within {seconds} s",
        )  # fmt: skip

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Run one command at a time.

        Raises:
            RollbackError: The disk has no space for a folder.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RollbackError(
                f"{error}, so nothing was changed", "free space on the Pi's card"
            ) from error
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _refusal(pending: Change) -> RollbackError:
    return RollbackError(
        f"{pending.controller} changes the network of this Pi since {pending.age_seconds} s",
        f"run again when that change is confirmed or undone, in {pending.left_seconds} s at the "
        "latest; or, on the Pi, sudo pvs-bridge rollback undo",
    )


def _now() -> float:
    """Return the seconds since the boot, which a time server does not change."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
