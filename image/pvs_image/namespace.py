"""Linux namespaces for a build: its mounts and processes end with it, even if it is killed."""

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
    """Run the program again in new namespaces; returns only inside of them.

    Root gets new mount and PID namespaces. Another user also gets a user namespace with root
    rights. When the first process ends, the kernel ends all others and removes every mount.

    Args:
        arguments: the command line arguments.
        program: what Python runs with these arguments.

    Raises:
        SystemExit: outside, with the exit status of the program inside.
        KeyboardInterrupt: outside, after Ctrl-C or SIGTERM.
    """
    if os.environ.get(_INSIDE):
        return
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-auto", "--map-root-user"]
    paths = [str(IMAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    signal.signal(signal.SIGTERM, _end)
    # A new session does not get the terminal's Ctrl-C. The first process of a PID namespace ignores
    # signals without a handler, but SIGKILL from outside always ends it.
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
    """Treat SIGTERM like Ctrl-C."""
    del signal_number, frame
    raise KeyboardInterrupt
