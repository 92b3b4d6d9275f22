"""What takes time, shown as it goes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """Print a step and, behind it, how long it took.

    Args:
        title: what is done.

    Yields:
        a function that prints a line within the step.
    """
    started = time.monotonic()
    print(f"{title} ...", flush=True)
    yield lambda line: print(f"  {line}", flush=True)
    print(f"  done in {time.monotonic() - started:.1f} s", flush=True)
