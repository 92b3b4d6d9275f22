"""The one exception that a person gets to see."""

from __future__ import annotations


class LabError(Exception):
    """Something that stops the lab, with what to do about it.

    Args:
        problem: what is wrong, naming the option, file or command.
        hint: what the person can do; printed on a line of its own.
    """

    def __init__(self, problem: str, hint: str) -> None:
        """Keep both sentences apart, so that each can be shown on its own line."""
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        """Both lines, ready to print."""
        return f"{self.problem}\n  hint: {self.hint}"
