"""Unlock the root to store the boot partition's configuration, and lock it afterwards.

A locked root discards what is stored in it at the next restart.
"""

from __future__ import annotations

from pvs_bridge.errors import IssueError
from pvs_bridge.host.overlay import Root, restart

VARIABLE = "appliance_read_only_root"

_REASON = "boot-config"


def is_due(root: Root) -> bool:
    """Return whether boot-config has to lock the root.

    That is so while the root was never locked, or was unlocked by boot-config. Another program or
    person that unlocks the root locks it again.
    """
    return root.wanted and not root.locked and root.reason in (None, _REASON)


def unlock(root: Root) -> None:
    """Restart the Pi with an unlocked root; print an error if that is impossible."""
    try:
        if root.unlock(_REASON):
            restart()
    except (IssueError, OSError) as error:
        print(f"error: the root was not unlocked: {error}", flush=True)


def lock(root: Root) -> None:
    """Restart the Pi with a locked root; print an error if that is impossible."""
    try:
        if root.lock():
            restart()
    except (IssueError, OSError) as error:
        print(f"error: the root was not locked: {error}", flush=True)
