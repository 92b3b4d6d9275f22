"""Show the steps of a long command, with their times."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """Print a step and, when it ends, how long it took.

    Args:
        title: what is done.

    Yields:
        a function that prints a line within the step.
    """
    started = time.monotonic()
    print(f"{title} ...", flush=True)
    yield lambda line: print(f"  {line}", flush=True)
    print(f"  done in {time.monotonic() - started:.1f} s", flush=True)
