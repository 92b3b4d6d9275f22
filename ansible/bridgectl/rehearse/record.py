"""The files of a bridge's last rehearsal, and the differences to the current one."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import difflib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bridgectl.errors import CannotWorkError
from bridgectl.rehearse.config_files import File
from bridgectl.rehearse.system import Seen, System

_ABOUT = "about.json"
_UNREADABLE = "(not text)"


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """A successful rehearsal.

    Attributes:
        system: of its twin.
        when: local date and time.
        files: that the roles have changed, by path.
    """

    system: System
    when: str
    files: Mapping[str, File]


class Record:
    """The folder of a bridge's rehearsals, readable only for its owner.

    Attributes:
        bridge: its name.
        folder: the folder itself.
        files: the subfolder with the files of the last rehearsal.
    """

    def __init__(self, inventory: Path, bridge: str) -> None:
        """Choose the folder.

        Args:
            inventory: distinguishes bridges with the same name.
            bridge: its name.
        """
        base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
        where = hashlib.sha256(str(inventory.resolve()).encode()).hexdigest()[:8]
        name = f"{inventory.resolve().name}-{bridge}-{where}"
        self.bridge = bridge
        self.folder = Path(base) / "pvs-bridge/rehearsals" / name
        self.files = self.folder / "files"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Prevent a second rehearsal of the same bridge.

        Raises:
            CannotWorkError: another one is running.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotWorkError(
                    f"another rehearsal of {self.bridge} is running", "wait until it has ended"
                ) from None
            yield
        finally:
            os.close(descriptor)

    def log(self, name: str) -> Path:
        """Return the log file of a playbook; the next rehearsal overwrites it."""
        return self.folder / f"{name}.log"

    def last(self) -> Rehearsal | None:
        """Return the last successful rehearsal; None if there is none."""
        try:
            about = json.loads((self.folder / _ABOUT).read_text(encoding="utf-8"))
            files = {
                path: File(
                    each["kind"],
                    each["mode"],
                    each["owner"],
                    b"" if each["kind"] == "gone" else (self.files / path).read_bytes(),
                )
                for path, each in about["files"].items()
            }
        except FileNotFoundError:
            return None
        system = System(about["release"], about["backend"], about["firmware"])
        return Rehearsal(system, about["when"], files)

    def seen(self) -> Seen:
        """Return the system of the last rehearsal's twin."""
        last = self.last()
        if last is None:
            return Seen()
        return Seen(last.system.release, last.system.backend, last.system.firmware)

    def keep(self, system: System, files: Mapping[str, File]) -> None:
        """Replace the record by a successful rehearsal.

        Args:
            system: of its twin.
            files: that the roles have changed.
        """
        about = {
            "when": f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M}",
            "release": system.release,
            "backend": system.backend,
            "firmware": system.firmware,
            "files": {
                path: {"kind": file.kind, "mode": file.mode, "owner": file.owner}
                for path, file in files.items()
            },
        }
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder))
        for path, file in files.items():
            if file.kind != "gone":
                target = new / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.content)
        # A folder of files without this description is ignored.
        (self.folder / _ABOUT).unlink(missing_ok=True)
        shutil.rmtree(self.files, ignore_errors=True)
        new.rename(self.files)
        written = new.with_suffix(".json")
        written.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        written.rename(self.folder / _ABOUT)


def difference(before: Mapping[str, File], after: Mapping[str, File]) -> list[str]:
    """Compare the files of two rehearsals.

    Args:
        before: of the older one, by path.
        after: of the newer one, by path.

    Returns:
        lines in the format of ``diff --unified``; empty without differences.
    """
    lines: list[str] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old != new:
            lines += _difference(path, old, new)
    return lines


def _difference(path: str, old: File | None, new: File | None) -> Iterator[str]:
    yield f"--- {f'/{path}' if old else '(unchanged)'}{_attributes(old)}"
    yield f"+++ {f'/{path}' if new else '(unchanged)'}{_attributes(new)}"
    compared = difflib.unified_diff(_lines(old), _lines(new), lineterm="")
    # The two header lines are replaced by those above.
    yield from list(compared)[2:]


def _attributes(file: File | None) -> str:
    """Return kind, mode and owner of a file."""
    if file is None:
        return ""
    return "".join(f"  {word}" for word in (file.kind, file.mode, file.owner) if word)


def _lines(file: File | None) -> list[str]:
    if file is None:
        return []
    try:
        return file.content.decode().splitlines()
    except UnicodeDecodeError:
        return [_UNREADABLE]
