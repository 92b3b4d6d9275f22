"""Suggest the correct name for a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(written: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most similar to the written one.

    Args:
        written: the unknown name.
        known: the valid names.
        cutoff: the least similarity, from 0 to 1.

    Returns:
        None if none is similar.
    """
    # Differences in case do not count.
    spelled = {name.lower(): name for name in sorted(known)}
    matches = difflib.get_close_matches(written.lower(), spelled, n=1, cutoff=cutoff)
    return spelled[matches[0]] if matches else None


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """Write the hint for an unknown name.

    Args:
        written: the unknown name.
        known: the valid names.

    Returns:
        the most similar valid name as a question, or all valid names.
    """
    names = sorted(known)
    guess = closest(written, names)
    if guess:
        return f"did you mean {guess}?"
    if names:
        return f"remove it, or use one of: {', '.join(names)}"
    return "remove it"
