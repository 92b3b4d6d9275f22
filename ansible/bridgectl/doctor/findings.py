"""What an examination finds: one line of its table, with problem and hint where something is."""

from __future__ import annotations

import dataclasses

from pvs_bridge.health.outcomes import BROKEN, OK, UNKNOWN

WARNING = "warning"
"""The bridge works all the same, but not as well as it could, or not for long."""

__all__ = ["BROKEN", "OK", "UNKNOWN", "WARNING", "Finding", "Group"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        title: what it is.
        state: OK, WARNING, BROKEN or UNKNOWN.
        seen: what was seen of it.
        problem: what is wrong, a sentence; None where nothing is.
        hint: what helps; None where nothing is wrong.
    """

    title: str
    state: str
    seen: str
    problem: str | None = None
    hint: str | None = None


@dataclasses.dataclass(frozen=True)
class Group:
    """Findings that belong together.

    Attributes:
        title: what they are about.
        findings: in the order in which one hangs on the other.
    """

    title: str
    findings: tuple[Finding, ...]
