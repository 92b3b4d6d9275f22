"""Write the result of a doctor run as text: the table, then the most likely cause."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from bridgectl.doctor.examine import Examination
from bridgectl.doctor.results import BROKEN, OK, WARNING, Result

_COLOURS = {OK: "32", BROKEN: "31", WARNING: "33"}
_STATE_WIDTH = len("unknown")
_NARROWEST, _WIDEST = 50, 110


def text(examination: Examination, width: int, *, colours: bool = False) -> str:
    """Write a result.

    Args:
        examination: the result.
        width: maximum line length, in characters.
        colours: whether states are coloured.
    """
    width = max(_NARROWEST, min(width, _WIDEST))
    return "\n".join([*_table(examination, width, colours), "", *_verdict(examination, width)])


def _table(examination: Examination, width: int, colours: bool) -> Iterator[str]:
    first = 2 + max(len(each.title) for each in examination.results)
    last = width - first - _STATE_WIDTH - 4
    for group in examination.groups:
        yield group.title
        for result in group.results:
            state = f"{result.state:<{_STATE_WIDTH}}"
            if colours and result.state in _COLOURS:
                state = f"\x1b[{_COLOURS[result.state]}m{state}\x1b[0m"
            seen, *more = textwrap.wrap(result.seen, last) or [""]
            yield f"  {result.title:<{first - 2}}  {state}  {seen}".rstrip()
            yield from (" " * (first + _STATE_WIDTH + 4) + line for line in more)


def _verdict(examination: Examination, width: int) -> Iterator[str]:
    """Write the broken results in their order, then the warnings."""
    name, seconds = examination.target.name, f"{examination.seconds:.0f} s"
    if examination.broken:
        first, *others = examination.broken
        yield f"{name} is broken (checked in {seconds})."
        yield f"First broken check: {first.title}"
        yield from _explanation(first, width)
        for other in others:
            yield ""
            yield f"Also broken, possibly by the same cause: {other.title}"
            yield from _explanation(other, width)
    else:
        yield f"{name} is healthy (checked in {seconds})."
        if examination.plant:
            yield from textwrap.wrap(examination.plant, width)
    for warning in examination.warnings:
        yield ""
        yield f"Warning: {warning.title}"
        yield from _explanation(warning, width)


def _explanation(result: Result, width: int) -> Iterator[str]:
    if result.issue is None:
        return
    for title, text in (("Cause:", result.issue.problem), ("Hint:", result.issue.hint)):
        yield textwrap.fill(text, width, initial_indent=f"  {title:<8}", subsequent_indent=" " * 10)
