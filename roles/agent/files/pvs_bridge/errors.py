"""What is wrong, where, and what helps: one class for the whole agent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Location:
    """The place of an issue.

    Attributes:
        file: The name of a file; empty if unknown.
        line: The line, counted from 1; 0 if unknown.
        variable: The name of a variable, such as ``uplink_networks[0].ssid``; empty for none.
    """

    file: str = ""
    line: int = 0
    variable: str = ""

    @property
    def place(self) -> str:
        """File and line, such as ``pvs-bridge.yml line 7``."""
        line = f"line {self.line}" if self.line else ""
        return " ".join(part for part in (self.file, line) if part)

    def __str__(self) -> str:
        """Place and variable, with a colon between them."""
        return ": ".join(part for part in (self.place, self.variable) if part)


@dataclass(frozen=True)
class Issue:
    """Something that is wrong.

    Attributes:
        problem: What is wrong.
        hint: What to do about it; empty if unknown.
        location: Where it is wrong.
    """

    problem: str
    hint: str = ""
    location: Location = field(default_factory=Location)

    def at(self, location: Location) -> Issue:
        """Return the same issue at another place."""
        return replace(self, location=location)

    def __str__(self) -> str:
        """Location, problem and hint on one line."""
        text = ": ".join(part for part in (str(self.location), self.problem) if part)
        return f"{text.removesuffix('.')}. Hint: {self.hint}" if self.hint else text


class IssueError(Exception):
    """An operation that cannot be done because of an issue.

    Attributes:
        issue: What is wrong, and what helps.
    """

    def __init__(self, problem: str, hint: str = "", location: Location | None = None) -> None:
        """Make the issue; see :class:`Issue`."""
        self.issue = Issue(problem, hint, location or Location())
        super().__init__(str(self.issue))
