"""A build's own view of the machine: its mounts and processes end with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

from pvs_image.paths import IMAGE

_INSIDE = "PVS_IMAGE_NAMESPACE"


def enter(arguments: Sequence[str], *, program: Sequence[str] = ("-m", "pvs_image")) -> None:
    """Go on in a namespace; returns only inside of it.

    As root, it has mounts and processes of its own; for another user it is one in which that user
    is root. When its first process is gone, the kernel ends all others and undoes every mount.

    Args:
        arguments: of the command line, to begin again with.
        program: what Python is to run with them.

    Raises:
        SystemExit: outside, when all is done; with the status of what ran inside.
        KeyboardInterrupt: outside, when somebody ends it.
    """
    if os.environ.get(_INSIDE):
        return
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-auto", "--map-root-user"]
    paths = [str(IMAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    signal.signal(signal.SIGTERM, _end)
    # In a session of its own it does not get the terminal's Ctrl-C: whoever is first in a PID
    # namespace may ignore that, but nobody ignores what comes from here.
    inside = subprocess.Popen(
        ["unshare", *as_root, "--mount", "--propagation", "private", "--pid", "--fork",
         "--kill-child", "--mount-proc", sys.executable, *program, *arguments],
        env={**os.environ, _INSIDE: "yes", "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,
    )  # fmt: skip
    try:
        status = inside.wait()
    except KeyboardInterrupt:
        inside.kill()
        inside.wait()
        raise
    raise SystemExit(status)


def _end(signal_number: int, frame: object) -> NoReturn:
    """Have SIGTERM do what Ctrl-C does."""
    del signal_number, frame
    raise KeyboardInterrupt
