"""A locked root forgets what the card says: it is unlocked to store that, and locked afterwards.

The role appliance installs what does so; a Pi without it has a root that is never locked.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

PROGRAM = Path("/usr/local/bin/pvs-bridge")
VARIABLE = "appliance_read_only_root"
"""Whether it is to be locked."""

_OVERLAYROOT = Path("/usr/share/initramfs-tools/scripts/init-bottom/overlayroot")

_REASON = "card"
# Never locked yet, or unlocked by this program: whoever else unlocks it locks it too.
_OURS = (None, _REASON)


def can_be_locked(overlayroot: Path = _OVERLAYROOT) -> bool:
    """Tell whether what locks it is installed: a card as it is shipped does not have it."""
    return overlayroot.exists()


def is_locked(program: Path = PROGRAM) -> bool:
    """Tell whether the next start forgets what is stored now."""
    return bool(_status(program).get("locked"))


def unlock(program: Path = PROGRAM) -> None:
    """Have the Pi start again with a root that keeps what is stored."""
    subprocess.run([program, "overlay", "unlock", "--reason", _REASON], check=False)


def waits_for_lock(program: Path = PROGRAM) -> bool:
    """Tell whether the root is this program's to lock."""
    status = _status(program)
    return bool(status) and not status["locked"] and status["reason"] in _OURS


def lock(program: Path = PROGRAM) -> None:
    """Have the Pi start again with a locked root."""
    subprocess.run([program, "overlay", "lock"], check=False)


def _status(program: Path) -> dict[str, Any]:
    """Ask the program; nothing where it is not installed."""
    if not program.exists():
        return {}
    done = subprocess.run([program, "overlay", "status", "--json"], capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
