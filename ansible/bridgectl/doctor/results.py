"""The results of a doctor run: one line per check, with problem and hint if something is wrong."""

from __future__ import annotations

import dataclasses

from bridgectl.errors import Issue
from pvs_bridge.health.outcomes import BROKEN, OK, UNKNOWN

WARNING = "warning"
"""The bridge works, but not as well as it could, or not for long."""

__all__ = ["BROKEN", "OK", "UNKNOWN", "WARNING", "Group", "Result", "broken", "ok", "unknown",
           "warning"]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of one check.

    Attributes:
        title: what was checked.
        state: OK, WARNING, BROKEN or UNKNOWN.
        seen: what was found.
        issue: problem and hint, in sentences; None if nothing is wrong.
    """

    title: str
    state: str
    seen: str
    issue: Issue | None = None


@dataclasses.dataclass(frozen=True)
class Group:
    """Results of one topic.

    Attributes:
        title: the topic.
        results: in the order of their dependencies.
    """

    title: str
    results: tuple[Result, ...]


def ok(title: str, seen: str) -> Result:
    """Return the result of a successful check."""
    return Result(title, OK, seen)


def unknown(title: str, seen: str) -> Result:
    """Return the result of a check that was not possible."""
    return Result(title, UNKNOWN, seen)


def warning(title: str, seen: str, problem: str, hint: str) -> Result:
    """Return the result of a check that found something to improve."""
    return Result(title, WARNING, seen, Issue(problem, hint))


def broken(title: str, seen: str, problem: str, hint: str) -> Result:
    """Return the result of a failed check."""
    return Result(title, BROKEN, seen, Issue(problem, hint))
