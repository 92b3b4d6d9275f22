"""A power cut at every step: a process is killed before its n-th write."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable

_CHANGES = (
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
    "os.symlink", "os.truncate",
)  # fmt: skip


def cut_off(step: int, work: Callable[[], object]) -> bool:
    """Run a function in a process that is killed before its n-th change of a file.

    The kernel keeps what was written before. Opening a file and writing to it are two steps.

    Args:
        step: The number n of the change, counted from 1.
        work: The function.

    Returns:
        whether the function returned before.
    """
    with warnings.catch_warnings():
        # The child does not need pytest's other threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _work(step, work)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"step {step}: status {code}; see standard error above")
    return code == 0


def _work(step: int, work: Callable[[], object]) -> None:
    """Run the function until the step, and end this process."""
    steps = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal steps
        writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
        if event in _CHANGES or (event == "open" and int(str(arguments[2])) & writes):
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
