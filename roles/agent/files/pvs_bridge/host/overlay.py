"""The root file system, locked or not: what it is now, and what the next start makes of it.

Debian's overlayroot, in the initramfs, lays memory over a locked root. It reads one file on the
card, and that file alone is changed here.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from pvs_bridge import atomic

CONFIGURATION = Path("etc/overlayroot.local.conf")
CARD = Path("media/root-ro")
"""Where the card's own root is while memory lies over it."""

SOMEBODY = "somebody"
"""Who unlocks unless it is said."""

_LOCKS = 'overlayroot="tmpfs:recurse=0"'
_LOCKS_NOT = 'overlayroot="disabled"'
_UNLOCKED_FOR = "# Unlocked for: "
_UNCONFIRMED = Path("var/lib/pvs-bridge/rollback/pending.json")
_MIB = 1024 * 1024


class RootError(Exception):
    """What was asked for cannot be done; says why and what to do."""


class Root:
    """The root of one Pi.

    Args:
        base: of its file system; another one than / in tests.
    """

    def __init__(self, base: Path = Path("/")) -> None:
        """Name the places; nothing is read or written yet."""
        self._base = base
        self._card = base / CARD

    @property
    def locked(self) -> bool:
        """Whether memory lies over the root now."""
        return any(row[:3] == ["overlayroot", "/", "overlay"] for row in self._mounts())

    @property
    def locks(self) -> bool:
        """Whether the next start locks it."""
        return _LOCKS in self._configured()

    @property
    def reason(self) -> str | None:
        """Who has unlocked it; None where nobody has."""
        for line in self._configured():
            if line.startswith(_UNLOCKED_FOR):
                return line.removeprefix(_UNLOCKED_FOR)
        return None

    def status(self) -> dict[str, Any]:
        """Return ``locked``, ``locks`` (at the next start), ``reason`` and the memory in MiB."""
        used, size = self._memory_mib() if self.locked else (None, None)
        return {
            "locked": self.locked,
            "locks": self.locks,
            "reason": self.reason,
            "memory_used_mib": used,
            "memory_mib": size,
        }

    def words(self) -> str:
        """Say the same to a person."""
        if self.locked:
            used, size = self._memory_mib()
            then = "" if self.locks else ", and unlocked from the next start on"
            return (
                f"the root is locked{then}: what is written is forgotten at the next start; "
                f"{used} of {size} MiB of memory hold it"
            )
        then = f" for {self.reason}" if self.reason else ""
        then = ", and locked from the next start on" if self.locks else then
        return f"the root is unlocked{then}: what is written stays"

    def lock(self) -> bool:
        """Have the next start lock it.

        Returns:
            whether that takes a restart.

        Raises:
            RootError: a change of the network waits to be confirmed.
            OSError: the card takes no writes.
        """
        if (self._base / _UNCONFIRMED).exists():
            raise RootError(
                "a change of the network waits to be confirmed, and its undo would be forgotten. "
                "Hint: wait two minutes and try again; or sudo pvs-bridge rollback undo"
            )
        self._configure(f"{_LOCKS}\n")
        return not self.locked

    def unlock(self, reason: str = SOMEBODY) -> bool:
        """Have the next start leave it unlocked.

        Args:
            reason: who asks for it, a word.

        Returns:
            whether that takes a restart.

        Raises:
            OSError: the card takes no writes.
        """
        self._configure(f"{_UNLOCKED_FOR}{' '.join(reason.split())}\n{_LOCKS_NOT}\n")
        return self.locked

    def _configure(self, text: str) -> None:
        """Write the file on the card, whole, whatever comes in between."""
        text = f"# Written by pvs-bridge overlay; read by overlayroot at each start.\n{text}"
        if not self.locked:
            atomic.write(self._base / CONFIGURATION, text.encode(), 0o644)
            return
        self._mount("remount,rw")
        try:
            atomic.write(self._card / CONFIGURATION, text.encode(), 0o644)
        finally:
            # The folders that are kept go on being written to.
            self._mount("remount,bind,ro")

    def _mount(self, options: str) -> None:
        command = ["mount", "-o", options, str(self._card)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(
                f"{done.stderr.strip()}. Hint: restart the Pi; a card that takes no writes then "
                "is worn out"
            )

    def _configured(self) -> list[str]:
        file = (self._card if self.locked else self._base) / CONFIGURATION
        try:
            return file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _mounts(self) -> list[list[str]]:
        text = (self._base / "proc/self/mounts").read_text(encoding="utf-8", errors="replace")
        return [line.split() for line in text.splitlines()]

    def _memory_mib(self) -> tuple[int, int]:
        found = os.statvfs(self._base)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        return used // _MIB, found.f_blocks * found.f_frsize // _MIB
