"""What a validation has found, whoever reads it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable


class CannotWorkError(Exception):
    """Something keeps the validation from its work, whatever the bridges are like.

    Args:
        problem: what is wrong, naming the option.
        hint: what to do about it.
    """

    def __init__(self, problem: str, hint: str) -> None:
        """Keep both apart, so that each is shown on its own line."""
        super().__init__(f"{problem}\n  hint: {hint}")
        self.problem = problem
        self.hint = hint


@dataclasses.dataclass(frozen=True)
class Problem:
    """A mistake in the description of bridges.

    Attributes:
        by: what has found it: inventory, variables, fleet, secrets, or a program's name.
        problem: what is wrong. Never holds the value of a secret.
        hint: what to do about it.
        variable: as one writes it down; None where none is to blame.
        file: as a person in the current folder would type it; None where it is not known.
        line: counted from 1; None where it is not known.
        bridges: those that have it; empty where it is the whole inventory's.
    """

    by: str
    problem: str
    hint: str
    variable: str | None = None
    file: str | None = None
    line: int | None = None
    bridges: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """File and line, as compilers write them; empty where they are not known."""
        if self.file is None:
            return ""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    @property
    def message(self) -> str:
        """What is wrong and what to do, on one line, whatever an inventory holds."""
        text = f"{self.problem}; {self.hint}"
        return " ".join((f"{self.variable}: {text}" if self.variable else text).split())


@dataclasses.dataclass(frozen=True)
class NotChecked:
    """Files that a program would have judged, were it not for something.

    Attributes:
        program: its name.
        why: what is missing.
        hint: how to have them checked.
        files: how many there are.
    """

    program: str
    why: str
    hint: str
    files: int


@dataclasses.dataclass(frozen=True)
class Sealed:
    """A value that could not be looked into, and may be right.

    Attributes:
        variable: that it is of.
        why: what is in the way, in words that go on from the variable's name.
        hint: how to have it looked into.
    """

    variable: str
    why: str
    hint: str


@dataclasses.dataclass(frozen=True)
class Bridge:
    """What became of one bridge.

    Attributes:
        name: its name in the inventory.
        backends: those of which the files were rendered; empty where none could be.
        files: how many were rendered, over all backends.
        sealed: what could not be looked into.
        not_rendered: why there are no files of it; None where there are.
    """

    name: str
    backends: tuple[str, ...]
    files: int
    sealed: tuple[Sealed, ...]
    not_rendered: str | None


@dataclasses.dataclass(frozen=True)
class Report:
    """All of it.

    Attributes:
        inventory: as it was named.
        bridges: in the inventory's order.
        problems: by file and line.
        not_checked: programs that could not judge.
        notes: what else a person ought to know, in sentences.
        output: the folder of the rendered files; None where they were not kept.
        seconds: how long it took.
    """

    inventory: str
    bridges: tuple[Bridge, ...]
    problems: tuple[Problem, ...]
    not_checked: tuple[NotChecked, ...]
    notes: tuple[str, ...]
    output: str | None
    seconds: float

    def problems_of(self, bridge: str) -> list[Problem]:
        """Return what was found about a bridge."""
        return [each for each in self.problems if bridge in each.bridges]

    @property
    def problems_of_all(self) -> list[Problem]:
        """Return what was found about the inventory as a whole."""
        return [each for each in self.problems if not each.bridges]


def merged(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Make one of what several bridges share, such as a mistake in group_vars.

    Args:
        problems: each about one bridge or the whole inventory.

    Returns:
        them by file and line; what stands nowhere comes last, bridge by bridge.
    """
    together: dict[Problem, list[str]] = {}
    for each in problems:
        # Of a variable that is written nowhere, each bridge has its own lack.
        key = each if each.file is None else dataclasses.replace(each, bridges=())
        names = together.setdefault(key, [])
        names += [name for name in each.bridges if name not in names]
    found = [dataclasses.replace(key, bridges=tuple(names)) for key, names in together.items()]
    return tuple(
        sorted(found, key=lambda each: (each.file is None, each.file or "", each.line or 0))
    )
