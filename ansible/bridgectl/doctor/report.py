"""An examination for a person to read: the table, and what to do first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from bridgectl.doctor.examine import Examination
from bridgectl.doctor.findings import BROKEN, OK, WARNING, Finding

_COLOURS = {OK: "32", BROKEN: "31", WARNING: "33"}
_STATE_WIDTH = len("unknown")
_NARROWEST, _WIDEST = 50, 110


def text(examination: Examination, width: int, *, colours: bool = False) -> str:
    """Write an examination.

    Args:
        examination: what was found.
        width: of the page, in characters.
        colours: whether the states have theirs.
    """
    width = max(_NARROWEST, min(width, _WIDEST))
    return "\n".join([*_table(examination, width, colours), "", *_verdict(examination, width)])


def _table(examination: Examination, width: int, colours: bool) -> Iterator[str]:
    first = 2 + max(len(finding.title) for finding in examination.findings)
    last = width - first - _STATE_WIDTH - 4
    for group in examination.groups:
        yield group.title
        for finding in group.findings:
            state = f"{finding.state:<{_STATE_WIDTH}}"
            if colours and finding.state in _COLOURS:
                state = f"\x1b[{_COLOURS[finding.state]}m{state}\x1b[0m"
            seen, *more = textwrap.wrap(finding.seen, last) or [""]
            yield f"  {finding.title:<{first - 2}}  {state}  {seen}".rstrip()
            yield from (" " * (first + _STATE_WIDTH + 4) + line for line in more)


def _verdict(examination: Examination, width: int) -> Iterator[str]:
    """Say what is broken, the first link first, then what is not as good as it could be."""
    name, seconds = examination.patient.name, f"{examination.seconds:.0f} s"
    if examination.broken:
        first, *others = examination.broken
        yield f"{name} is ill, examined in {seconds}."
        yield f"The first broken link: {first.title}"
        yield from _words(first, width)
        for other in others:
            yield ""
            yield f"Broken too, perhaps by the same: {other.title}"
            yield from _words(other, width)
    else:
        yield f"{name} is healthy, examined in {seconds}."
        if examination.plant:
            yield from textwrap.wrap(examination.plant, width)
    for warning in examination.warnings:
        yield ""
        yield f"Not as it should be: {warning.title}"
        yield from _words(warning, width)


def _words(finding: Finding, width: int) -> Iterator[str]:
    for title, said in (("Cause:", finding.problem), ("Hint:", finding.hint)):
        if said:
            yield textwrap.fill(
                said, width, initial_indent=f"  {title:<8}", subsequent_indent=" " * 10
            )
