"""Text for the terminal: cleaned, aligned, and in ASCII where the terminal has only that."""

from __future__ import annotations

from collections.abc import Sequence

CELL = 26
"""The longest text in a table's cell. Panels have serials of up to 17 characters, energy storage
systems of 25."""

_ASCII = str.maketrans("─°·", "- -")


def clean(value: object, limit: int = CELL) -> str:
    """Return an untrusted text as plain ASCII without control characters."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    try:
        raw = str(value)
    except ValueError:  # an integer of thousands of digits
        return ""
    text = " ".join(raw[: 4 * limit].split())
    text = "".join(char if " " <= char <= "~" else "?" for char in text)
    return text if len(text) <= limit else f"{text[: limit - 1]}~"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return rows aligned under a head; `right` names the columns of numbers."""
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
    """Return a text in ASCII; its columns stay aligned."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()
