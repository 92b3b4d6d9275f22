"""The error that the image builder reports to its user."""

from __future__ import annotations


class ImageError(Exception):
    """Something that stops the work on an image, with what to do about it.

    Args:
        problem: what is wrong, naming the option, file or command.
        hint: what the user can do; printed on a line of its own.
    """

    def __init__(self, problem: str, hint: str) -> None:
        """Keep the problem and the hint apart, so that each gets its own line."""
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        """Return both lines, ready to print."""
        return f"{self.problem}\n  hint: {self.hint}"
