"""One class for what is wrong, where, and what helps; used by every check and every error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Final

Path = tuple[str | int, ...]
"""A value in a host's variables: the variable's name, then keys and list indexes."""


class Unusable:
    """Replaces a value that already has an issue, so that later checks skip it."""

    def __repr__(self) -> str:
        """Return the name of the only instance."""
        return "UNUSABLE"


UNUSABLE: Final = Unusable()


@dataclasses.dataclass(frozen=True)
class Location:
    """Where the user changes something.

    Attributes:
        path: the value; empty if the issue is not about a variable.
        file: relative to the current folder if it is below it; None if unknown.
        line: counted from 1; None if unknown.
    """

    path: Path = ()
    file: str | None = None
    line: int | None = None

    @property
    def variable(self) -> str | None:
        """The value as in ``uplink_networks[0].passphrase``; None if there is none."""
        return variable_name(self.path) if self.path else None

    @property
    def place(self) -> str:
        """File and line as compilers write them; empty if unknown."""
        if self.file is None:
            return ""
        return self.file if self.line is None else f"{self.file}:{self.line}"


Locate = Callable[[Path], Location]


@dataclasses.dataclass(frozen=True)
class Issue:
    """What is wrong, where, and what helps.

    Attributes:
        problem: what is wrong. Never contains the value of a secret.
        hint: what the user can do about it, in the imperative.
        location: where to change it.
        unreadable: whether the value can only not be read here, such as an encrypted value without
            its password. The value may be correct.
        foreign: whether the variable may belong to a role of another project.
    """

    problem: str
    hint: str
    location: Location = Location()
    unreadable: bool = False
    foreign: bool = False

    @classmethod
    def at(cls, path: Path, problem: str, hint: str, *, unreadable: bool = False) -> Issue:
        """Create the issue of a value whose file and line are not known yet."""
        return cls(problem, hint, Location(path), unreadable)

    @property
    def message(self) -> str:
        """Variable, problem and hint on one line, whatever characters an inventory contains."""
        parts = [self.location.variable, f"{self.problem}; {self.hint}"]
        return visible(": ".join(filter(None, parts)))

    @property
    def located_problem(self) -> str:
        """File, line, variable and problem."""
        return ": ".join(filter(None, [self.location.place, self.location.variable, self.problem]))

    @property
    def text(self) -> str:
        """Location and problem, then the hint on a line of its own, for a terminal."""
        return visible(f"{self.located_problem}\n  hint: {self.hint}", kept="\n")

    @property
    def sentence(self) -> str:
        """Problem and hint as in the messages of Ansible tasks."""
        return f"{self.problem}. Hint: {self.hint}"

    def __str__(self) -> str:
        """One line: ``inventory/home/garage.yml:12: uplink_country: problem; hint``."""
        return ": ".join(filter(None, [visible(self.location.place), self.message]))

    def as_dict(self) -> dict[str, str | int | None]:
        """Return the public form of an issue, for JSON and task results."""
        return {
            "variable": self.location.variable,
            "problem": self.problem,
            "hint": self.hint,
            "file": self.location.file,
            "line": self.location.line,
        }


class IssueError(Exception):
    """Base of all errors that are shown to the user.

    Attributes:
        issue: what is wrong, where, and what helps.
    """

    def __init__(
        self, problem: str, hint: str, location: Location = Location(), *, unreadable: bool = False
    ) -> None:
        """Create the error from the parts of its issue."""
        self.issue = Issue(problem, hint, location, unreadable)
        super().__init__(self.issue.text)


def visible(text: str, kept: str = "") -> str:
    """Return a text whose characters are all seen, whatever an inventory contains.

    A terminal obeys control characters, some characters reorder a line, and lines of CI logs that
    begin with ``::`` are commands.

    Args:
        text: any text. White space becomes a space.
        kept: characters that are returned as they are.
    """
    return "".join(
        each if each.isprintable() or each in kept else " " if each.isspace() else ascii(each)[1:-1]
        for each in (text if kept else " ".join(text.split()))
    )


def variable_name(path: Path) -> str:
    """Write a path as in YAML: ``("a", 0, "b")`` is ``a[0].b``."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += f".{part}" if name else part
    return name


def locate_nowhere(path: Path) -> Location:
    """Return a location without file and line."""
    return Location(path)


def located(issues: Iterable[Issue], locate: Locate) -> list[Issue]:
    """Add file and line to issues, and sort them by file and line.

    Args:
        issues: only the first one of each path is returned.
        locate: finds where each path was written.
    """
    first: dict[Path, Issue] = {}
    for issue in issues:
        first.setdefault(issue.location.path, issue)
    return in_file_order(
        dataclasses.replace(issue, location=locate(path)) for path, issue in first.items()
    )


def in_file_order(issues: Iterable[Issue]) -> list[Issue]:
    """Sort issues by file and line; those without a file come last, in their given order."""
    return sorted(issues, key=_file_order)


def _file_order(issue: Issue) -> tuple[bool, str, int]:
    location = issue.location
    return location.file is None, location.file or "", location.line or 0
