"""Where the lab keeps what it needs, on the machine that runs it."""

from __future__ import annotations

import os
from pathlib import Path

# /run is emptied by a reboot, as the labs are.
RUN_DIR = Path("/run/pvs-bridge-labs")
PACKAGE_ROOT = Path(__file__).resolve().parents[1]


def cache_dir() -> Path:
    """The folder for what is slow to make and safe to delete."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pvs-bridge"


def card_dir(name: str) -> Path:
    """The folder of what a lab's Pi has written: on the disk that the images are on.

    Memory would be quicker, but it lacks the file attributes that files of the image have, which
    breaks programs that copy them.
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
