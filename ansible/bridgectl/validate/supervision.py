"""Run the validation in a process of bounded memory and time, whatever an inventory contains."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable

# 100 bridges take 20 s and 200 MB.
MOST_SECONDS = 300
MOST_BYTES = 2 << 30
CANNOT_WORK = 2


def supervised(work: Callable[[], int], most_seconds: float = MOST_SECONDS) -> int:
    """Run a function in a process of its own.

    Args:
        work: prints its result, and returns the exit status.
        most_seconds: its time.

    Returns:
        the exit status; CANNOT_WORK, with a message, if a bound was reached.
    """
    process = multiprocessing.get_context("fork").Process(target=_bounded, args=(work,))
    process.start()
    try:
        process.join(most_seconds)
    finally:
        # Its own processes belong to its group.
        if process.is_alive() and process.pid is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
    status = process.exitcode
    if status is not None and status >= 0:
        return status
    print(
        f"error: the inventory takes more than {most_seconds:.0f} s or {MOST_BYTES >> 30} GiB\n"
        "  hint: simplify its templates; LIMIT=BRIDGE shows which bridge it is",
        file=sys.stderr,
    )
    return CANNOT_WORK


def _bounded(work: Callable[[], int]) -> None:
    os.setpgrp()
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    bound = MOST_BYTES if most == resource.RLIM_INFINITY else min(most, MOST_BYTES)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, most))
    try:
        status = work()
    except (MemoryError, RecursionError):
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(status)
