"""The root file system, locked or not: its state now, and after the next restart.

Debian's overlayroot runs in the initramfs and mounts an overlay in memory over the root. It reads
one file on the card; this module changes that file only.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from pvs_bridge import atomic
from pvs_bridge.errors import IssueError
from pvs_bridge.host.paths import UNCONFIRMED_CHANGE

CONFIGURATION = Path("etc/overlayroot.local.conf")
OVERLAYROOT = Path("usr/share/initramfs-tools/scripts/init-bottom/overlayroot")
"""The script of Debian's package overlayroot."""

CARD = Path("media/root-ro")
"""Where the card's own root is mounted while the overlay covers it."""

WANTED = Path("etc/systemd/system/pvs-bridge-overlay.service")
"""The role appliance installs this unit only where appliance_read_only_root is true."""

DEFAULT_REASON = "a user"

_LOCKS = 'overlayroot="tmpfs:recurse=0"'
_LOCKS_NOT = 'overlayroot="disabled"'
_UNLOCKED_FOR = "# Unlocked for: "
_MIB = 1024 * 1024


class Root:
    """The root file system of this Pi.

    Args:
        base: The root of the file system; a folder in tests.
    """

    def __init__(self, base: Path = Path("/")) -> None:
        """Set the paths; nothing is read or written yet."""
        self._base = base
        self._card = base / CARD

    @property
    def locked(self) -> bool:
        """Whether the root is locked now: the next restart discards what is written."""
        mounts = (self._base / "proc/self/mounts").read_text(encoding="utf-8", errors="replace")
        rows = (row.split() for row in mounts.splitlines())
        return any(row[:3] == ["overlayroot", "/", "overlay"] for row in rows)

    @property
    def locks(self) -> bool:
        """Whether the root is locked after the next restart."""
        return _LOCKS in self._configured()

    @property
    def wanted(self) -> bool:
        """Whether the bridge's configuration asks for a locked root."""
        return (self._base / WANTED).exists()

    @property
    def lockable(self) -> bool:
        """Whether overlayroot is installed."""
        return (self._base / OVERLAYROOT).exists()

    @property
    def reason(self) -> str | None:
        """Why the root was unlocked; None if it was not unlocked by this program."""
        for line in self._configured():
            if line.startswith(_UNLOCKED_FOR):
                return line.removeprefix(_UNLOCKED_FOR)
        return None

    def status(self) -> dict[str, Any]:
        """Return ``locked``, ``locks`` (after a restart), ``reason`` and the memory in MiB."""
        used, size = self._memory_mib() if self.locked else (None, None)
        return {
            "locked": self.locked,
            "locks": self.locks,
            "reason": self.reason,
            "memory_used_mib": used,
            "memory_mib": size,
        }

    def describe(self) -> str:
        """Return the status as a sentence."""
        if self.locked:
            used, size = self._memory_mib()
            then = "" if self.locks else ", and unlocked after the next restart"
            return (
                f"the root is locked{then}: the next restart discards all changes; they use "
                f"{used} of {size} MiB of memory"
            )
        then = f" for {self.reason}" if self.reason else ""
        then = ", and locked after the next restart" if self.locks else then
        return f"the root is unlocked{then}: changes are kept"

    def lock(self) -> bool:
        """Lock the root from the next restart on.

        Returns:
            whether a restart is needed.

        Raises:
            IssueError: A network change is not confirmed yet, or the card cannot be remounted.
            OSError: The card cannot be written to.
        """
        if (self._base / UNCONFIRMED_CHANGE).exists():
            raise IssueError(
                "a network change is not confirmed yet, and a locked root would discard its undo",
                "wait two minutes and try again; or sudo pvs-bridge rollback undo",
            )
        self._configure(f"{_LOCKS}\n")
        return not self.locked

    def unlock(self, reason: str = DEFAULT_REASON) -> bool:
        """Unlock the root from the next restart on.

        Args:
            reason: Who or what asks for it, on one line.

        Returns:
            whether a restart is needed.

        Raises:
            IssueError: The card cannot be remounted.
            OSError: The card cannot be written to.
        """
        self._configure(f"{_UNLOCKED_FOR}{' '.join(reason.split())}\n{_LOCKS_NOT}\n")
        return self.locked

    def _configure(self, text: str) -> None:
        """Replace the file on the card atomically."""
        text = f"# Written by pvs-bridge overlay; overlayroot reads it at each start.\n{text}"
        if not self.locked:
            atomic.write(self._base / CONFIGURATION, text.encode(), 0o644)
            return
        self._mount("remount,rw")
        try:
            atomic.write(self._card / CONFIGURATION, text.encode(), 0o644)
        finally:
            # A bind remount: the folders that are kept on the card stay writable.
            self._mount("remount,bind,ro")

    def _mount(self, options: str) -> None:
        command = ["mount", "-o", options, str(self._card)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise IssueError(
                done.stderr.strip(),
                "restart the Pi; if the card still cannot be written to, it is worn out",
            )

    def _configured(self) -> list[str]:
        file = (self._card if self.locked else self._base) / CONFIGURATION
        try:
            return file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _memory_mib(self) -> tuple[int, int]:
        found = os.statvfs(self._base)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        return used // _MIB, found.f_blocks * found.f_frsize // _MIB


def restart() -> None:
    """Restart the Pi.

    Raises:
        OSError: systemd refuses.
    """
    done = subprocess.run(["systemctl", "reboot"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"systemctl reboot: {done.stderr.strip()}")
