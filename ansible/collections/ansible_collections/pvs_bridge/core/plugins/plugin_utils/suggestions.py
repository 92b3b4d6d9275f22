"""Guess what somebody meant who wrote something slightly else."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(written: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like what was written, None where none is like it."""
    # Who forgets a capital letter is as close as can be.
    spelled = {name.lower(): name for name in sorted(known)}
    matches = difflib.get_close_matches(written.lower(), spelled, n=1, cutoff=0.6)
    return spelled[matches[0]] if matches else None


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """Write the hint for a name that nobody knows.

    Args:
        written: the unknown name.
        known: the names that would do.

    Returns:
        the closest one as a question, or all of them where none is close.
    """
    names = sorted(known)
    guess = closest(written, names)
    if guess:
        return f"did you mean {guess}?"
    if names:
        return f"remove it, or use one of {', '.join(names)}"
    return "remove it"
