"""A power cut at every step: what a process does is cut off before its n-th write."""

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
    """Do something in a process of its own that is killed before one of its changes of files.

    What the kernel has been told stays, as on a disk that loses nothing it was told; between
    opening a file and writing into it there is a step too.

    Args:
        step: how many changes come before the end, and one more.
        work: what to do.

    Returns:
        whether it came to its end before.
    """
    with warnings.catch_warnings():
        # Of pytest's other threads the child needs nothing.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _work(step, work)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"step {step}: status {code}; why stands above, in standard error")
    return code == 0


def _work(step: int, work: Callable[[], object]) -> None:
    """Work until the step, and end this process."""
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
