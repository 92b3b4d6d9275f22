"""Texts for people: cleaned, aligned, in ASCII where the terminal has nothing else."""

from __future__ import annotations

from collections.abc import Sequence

# The longest texts of a device that a table shows, so that its rows stay within WIDTH. Panels have
# serials of up to 17 characters, energy storage systems of 25.
CELL = 26


_ASCII = str.maketrans("─°·", "- -")


def clean(value: object, limit: int = CELL) -> str:
    """Return a text from outside as plain ASCII that cannot move the cursor or a column."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    try:
        raw = str(value)
    except ValueError:  # a number with thousands of digits
        return ""
    text = " ".join(raw[: 4 * limit].split())
    text = "".join(char if " " <= char <= "~" else "?" for char in text)
    return text if len(text) <= limit else f"{text[: limit - 1]}~"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Align rows under a head; `right` names the columns of numbers."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        )
        return "  ".join(padded).rstrip()

    return "\n".join([line(head), "  ".join("─" * width for width in widths), *map(line, rows)])


def duration(seconds: int) -> str:
    """Return a time span in its two largest units."""
    minutes = seconds // 60
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def as_ascii(text: str) -> str:
    """Return a text for a terminal that has nothing but ASCII; columns stay where they are."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()
