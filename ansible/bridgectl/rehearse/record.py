"""What the last rehearsal of a bridge has put on its card, and how another differs from it."""

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

from bridgectl.rehearse.config_files import File
from bridgectl.rehearse.system import Seen, System
from pvs_lab.errors import LabError

_ABOUT = "about.json"
_UNREADABLE = "(not text)"


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """One that went well.

    Attributes:
        system: what its twin was made of.
        when: local date and time.
        files: what the roles have put on its card, by path.
    """

    system: System
    when: str
    files: Mapping[str, File]


class Record:
    """The folder of one bridge's rehearsals; nobody but its owner can look into it.

    Attributes:
        bridge: its name.
        folder: the folder itself.
        files: in it, what the last rehearsal has put on the card.
    """

    def __init__(self, inventory: Path, bridge: str) -> None:
        """Name the folder.

        Args:
            inventory: tells bridges of one name apart.
            bridge: its name.
        """
        base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
        where = hashlib.sha256(str(inventory.resolve()).encode()).hexdigest()[:8]
        name = f"{inventory.resolve().name}-{bridge}-{where}"
        self.bridge = bridge
        self.folder = Path(base) / "pvs-bridge/rehearsals" / name
        self.files = self.folder / "files"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second rehearsal of the same bridge from starting.

        Raises:
            LabError: there is one.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LabError(
                    f"{self.bridge} is being rehearsed already", "wait until that has ended"
                ) from None
            yield
        finally:
            os.close(descriptor)

    def log(self, name: str) -> Path:
        """Where a playbook's output is kept until the next rehearsal."""
        return self.folder / f"{name}.log"

    def last(self) -> Rehearsal | None:
        """Return the last rehearsal that went well; None where there is none."""
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
        """Return what the twin of the last rehearsal was made of."""
        last = self.last()
        if last is None:
            return Seen()
        return Seen(last.system.release, last.system.backend, last.system.firmware)

    def keep(self, system: System, files: Mapping[str, File]) -> None:
        """Keep a rehearsal that went well in the place of the one before.

        Args:
            system: what its twin was made of.
            files: what the roles have put on its card.
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
        # Without its description a folder of files counts as none.
        (self.folder / _ABOUT).unlink(missing_ok=True)
        shutil.rmtree(self.files, ignore_errors=True)
        new.rename(self.files)
        written = new.with_suffix(".json")
        written.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        written.rename(self.folder / _ABOUT)


def difference(before: Mapping[str, File], after: Mapping[str, File]) -> list[str]:
    """Write how one rehearsal's files differ from another's.

    Args:
        before: the older one's, by path.
        after: the newer one's.

    Returns:
        lines in the form of ``diff --unified``; none where there is no difference.
    """
    lines: list[str] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old != new:
            lines += _difference(path, old, new)
    return lines


def _difference(path: str, old: File | None, new: File | None) -> Iterator[str]:
    yield f"--- {f'/{path}' if old else '(untouched)'}{_told(old)}"
    yield f"+++ {f'/{path}' if new else '(untouched)'}{_told(new)}"
    compared = difflib.unified_diff(_lines(old), _lines(new), lineterm="")
    # Its own first two lines are the ones above.
    yield from list(compared)[2:]


def _told(file: File | None) -> str:
    """Say what a diff of texts would not."""
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
