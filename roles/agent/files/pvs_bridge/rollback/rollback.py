"""A change of the network that undoes itself unless it is confirmed.

arm      files and runtime state are kept, a timer is set; nothing has changed yet
apply    the change is carried out apart from the session that asked for it; the time begins anew
confirm  whoever has come back says so: the timer stops, what was kept is forgotten
undo     the timer, a failed change, a person or the next boot puts everything back

What decides is one file, the marker: while it is there, a change is not confirmed. It is written
last when arming and removed last when undoing, so that a power failure at any moment leaves either
nothing to do or all that is needed to do it.
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
from pvs_bridge.rollback import runtime
from pvs_bridge.rollback.snapshot import Differences, Snapshot, SnapshotError

DEADLINE_UNIT = "pvs-bridge-rollback-deadline"
CHANGE_UNIT = "pvs-bridge-rollback-change"
PROGRAM = ("/usr/local/bin/pvs-bridge", "rollback")
LOCK = Path("run/pvs-bridge-rollback.lock")
SCRIPT = Path("run/pvs-bridge-rollback-change.sh")
CONFIRMED = Path("run/pvs-bridge-rollback-confirmed")
STATE = Path("var/lib/pvs-bridge/rollback")

# systemd has read these before it comes to the rollback at boot; what is put back takes effect
# with the next boot only.
_READ_BEFORE_BOOT_UNDO = ("etc/systemd/", "etc/modprobe.d/", "etc/netplan/", "etc/default/")
_KEPT_REJECTIONS = 5
# Within it whoever asked for a change hears that it begins; the change may break the way.
_HEARD_SECONDS = 2


class RollbackError(Exception):
    """What was asked for cannot be done; says why and what to do."""


@dataclass(frozen=True)
class Change:
    """A change that is not confirmed.

    Attributes:
        id: by which its controller knows it again; empty where the marker cannot be read.
        controller: who makes it, for a person to read.
        timeout_seconds: how long it may stay unconfirmed.
        armed_seconds: when it was armed, on the clock of that boot.
        deadline_seconds: when it will be undone, on the same clock.
        before: the Pi as it ran; see :func:`runtime.record`. Empty where the marker cannot be read.
        applied: whether it was begun to be carried out.
        undone: paths that an undo has begun to put back.
        rejected: folder for what that undo replaces.
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
        """Tell whether somebody means this change; None means whatever there is."""
        return identifier is None or self.id in ("", identifier)

    @property
    def age_seconds(self) -> int:
        """How long ago it was armed, as far as this boot knows."""
        return int(max(0.0, _now() - self.armed_seconds))

    @property
    def left_seconds(self) -> int:
        """How long until it is undone."""
        return int(max(0.0, self.deadline_seconds - _now()))


class Rollback:
    """The changes of one Pi, of which at most one is not confirmed.

    Args:
        root: of the file system; another one than / in tests.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        """Name the places; nothing is read or written yet."""
        self.folder = root / STATE
        self.marker = self.folder / "pending.json"
        self.last = self.folder / "last.json"
        self.rejected = self.folder / "rejected"
        self.snapshot = Snapshot(self.folder / "snapshot.tar", root)
        self._lock = root / LOCK
        self._script = root / SCRIPT
        self._confirmed = root / CONFIRMED
        self._hostname = root / "etc/hostname"

    def pending(self) -> Change | None:
        """Return the change that is not confirmed, None where there is none."""
        try:
            return Change(**json.loads(self.marker.read_text()))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError):
            # A bad card. That it is there is what counts: the files can be put back all the same.
            return Change("", "somebody unknown", 0, _now(), _now())

    def last_undone(self) -> dict[str, Any]:
        """Return what was undone last: id, reason, files, folder, when; empty if nothing was."""
        try:
            found: dict[str, Any] = json.loads(self.last.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def arm(
        self, identifier: str, controller: str, timeout_seconds: int, interfaces: Sequence[str]
    ) -> None:
        """Keep everything as it is now, and set the timer.

        Does nothing where the same controller has armed it already.

        Raises:
            RollbackError: Another controller is at work, the disk is full, or the change was undone
                already, so that its first half would be missing.
        """
        with self._alone():
            pending = self.pending()
            if pending and pending.id != identifier:
                raise RollbackError(_refusal(pending))
            if pending:
                return
            if self._was_undone(identifier):
                raise RollbackError(
                    f"this change cannot go on{self._what_became_of(identifier)}. Hint: run again"
                )
            try:
                self.snapshot.take()
                before = runtime.record(interfaces)
                # First the timer: one without a marker does nothing, a marker without a timer
                # would wait for ever.
                self._set_timer(identifier, timeout_seconds)
                now = _now()
                deadline = now + timeout_seconds
                self._mark(Change(identifier, controller, timeout_seconds, now, deadline, before))
            except OSError as error:
                runtime.stop_timer(DEADLINE_UNIT)
                self._forget()
                raise RollbackError(
                    f"the rollback could not be armed, so nothing was changed: {error}. Hint: "
                    f"make room on the Pi's card (df -h {self.folder.parent})"
                ) from error
            os.sync()

    def apply(self, identifier: str, script: str) -> None:
        """Carry the change out, apart from whoever asks for it.

        Args:
            identifier: of the change.
            script: for the shell. A failure of it is a reason to undo.

        Raises:
            RollbackError: Nothing is armed.
        """
        with self._alone():
            change = self.pending()
            if change is None or change.id != identifier:
                raise RollbackError(
                    f"no change {identifier} is armed{self._what_became_of(identifier)}"
                )
            deadline = _now() + change.timeout_seconds
            self._mark(replace(change, applied=True, deadline_seconds=deadline))
            self._set_timer(identifier, change.timeout_seconds)
            # In a file, for systemd would replace what looks like a variable in a command.
            self._script.write_text(script)
            undo = (
                f'{" ".join(PROGRAM)} undo --id {identifier} --reason "it could not be carried out"'
            )
            # Without semicolons: systemd 252 writes them in a way that it then warns of.
            command = f"sleep {_HEARD_SECONDS}\n/bin/sh -e {self._script} || {{\n{undo}\nexit 1\n}}"
            runtime.start_service(
                CHANGE_UNIT, "Change of the network, to be confirmed", "/bin/sh", "-c", command
            )

    def confirm(self, identifier: str | None = None, *, look: bool = False) -> str:
        """Keep the change for good, once it has been carried out.

        Args:
            identifier: of the change; None for whatever there is.
            look: whether only to say that it could be confirmed, as ``applied``.

        Returns:
            ``confirmed``, also where it was confirmed before; ``armed`` where it was never begun,
            which only a person may confirm; ``applying`` while it is being carried out, or has
            failed and is about to be undone; ``undone``; or ``nothing`` where there is nothing to
            confirm.
        """
        with self._alone():
            change = self.pending()
            if change is None or not change.goes_by(identifier):
                return self._outcome(identifier)
            if identifier is not None and not change.applied:
                return "armed"
            if change.applied and runtime.service_state(CHANGE_UNIT) != "done":
                return "applying"
            if look:
                return "applied"
            # The answer may get lost on its way, and the controller asks again.
            with contextlib.suppress(OSError):
                self._confirmed.write_text(change.id)
            self.marker.unlink()
            atomic.sync_folder(self.folder)
            runtime.stop_timer(DEADLINE_UNIT)
            self.snapshot.forget()
            return "confirmed"

    def undo(self, reason: str, identifier: str | None = None, *, booting: bool = False) -> bool:
        """Put everything back.

        Args:
            reason: why, for a person to read.
            identifier: of the change; None for whatever there is.
            booting: whether the network has yet to start, so that files are all there is.

        Returns:
            whether there was something to undo.
        """
        with self._alone():
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
                runtime.bring_back(change.before, change.undone)
            self._remember(change, reason + problem)
            self._forget()
            # The timer runs to the last moment: it would begin anew what is cut off before.
            if booting:
                self._go_on_booting(differences)
            else:
                runtime.stop_timer(DEADLINE_UNIT)
                if not change.before:
                    runtime.say("booting again, for how the Pi ran before is not known")
                    runtime.reboot()
            return True

    def _differences(self) -> tuple[Differences, str]:
        """Compare; without what was kept there is nothing to put back, today or tomorrow."""
        try:
            return self.snapshot.differences(), ""
        except SnapshotError as error:
            runtime.say(str(error))
            return {}, "; but what was kept cannot be read, so the files stay as they are"

    def _begin(self, change: Change, differences: Differences) -> Change:
        """Note what will be put back: if this is cut off, the next undo does not see it any more.

        Returns:
            the change with that in it.
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
        """Have the boot go on with what has been put back, or begin again."""
        with contextlib.suppress(OSError):
            runtime.set_hostname(self._hostname.read_text().strip())
        if any(path.startswith(_READ_BEFORE_BOOT_UNDO) for path in differences):
            runtime.say("booting again, for systemd has read the old files already")
            runtime.reboot()

    def _was_undone(self, identifier: str) -> bool:
        return bool(self.last_undone().get("id") == identifier)

    def _what_became_of(self, identifier: str) -> str:
        undone = self._was_undone(identifier)
        return f": it was undone, {self.last_undone()['reason']}" if undone else ""

    def _outcome(self, identifier: str | None) -> str:
        """Tell what became of a change that does not wait any more."""
        if identifier is None:
            return "nothing"
        if self._was_undone(identifier):
            return "undone"
        with contextlib.suppress(FileNotFoundError):
            if self._confirmed.read_text() == identifier:
                return "confirmed"
        return "nothing"

    def _remember(self, change: Change, reason: str) -> None:
        """Write down what was undone, for whoever asks later; room for it is not certain."""
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
        # By name, but this one in any case: a Pi that boots has no clock yet.
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
            DEADLINE_UNIT, "Undo of an unconfirmed change of the network", seconds,
            *PROGRAM, "undo", "--id", identifier,
            "--reason", f"nobody confirmed it within {seconds} s",
        )  # fmt: skip

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other calls waiting until this one has ended.

        Raises:
            RollbackError: The disk is so full that not even a folder can be made.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RollbackError(
                f"{error}, so nothing was changed. Hint: make room on the Pi's card"
            ) from error
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _refusal(pending: Change) -> str:
    return (
        f"{pending.controller} changes the network of this Pi, since {pending.age_seconds} s ago. "
        f"Hint: run again when that is confirmed or undone, in {pending.left_seconds} s at the "
        f"latest; or, on the Pi, sudo pvs-bridge rollback undo"
    )


def _now() -> float:
    """Return seconds since the boot, which no time server changes."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
