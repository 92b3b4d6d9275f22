"""The lab's folders on the machine that runs it."""

from __future__ import annotations

import os
from pathlib import Path

# A reboot ends all labs and empties /run.
RUN_DIR = Path("/run/pvs-bridge-labs")
PACKAGE_ROOT = Path(__file__).resolve().parents[1]


def cache_dir() -> Path:
    """Return the folder of the cache, which is safe to delete while no lab is up."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pvs-bridge"


def card_dir(name: str) -> Path:
    """Return the folder of what a lab's Pi writes, on the same disk as the images.

    A tmpfs would be quicker, but it lacks file attributes that files of the image have, so programs
    that copy such files fail.
    """
    return cache_dir() / "cards" / name


def failed_dir(name: str) -> Path:
    """The folder of the logs of a lab that did not come up, until it does or is taken down."""
    return cache_dir() / "failed" / name


def agent_socket(name: str) -> Path:
    """The socket that leads to the guest agent of a lab's Pi with a radio."""
    return lab_dir(name) / "agent"


def lab_dir(name: str) -> Path:
    """The folder of a running lab: its key, its logs, its control socket."""
    return RUN_DIR / name
