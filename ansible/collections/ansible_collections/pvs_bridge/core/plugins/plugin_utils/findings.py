"""What validation says: one finding a mistake, with its place and its hint."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

# Where in a host's variables something stands: a variable's name, then keys and list indexes.
Path = tuple[str | int, ...]


class Unusable:
    """Stands in the place of a value that a finding has been made about already.

    Later checks pass over it, so that one mistake gives one finding.
    """

    def __repr__(self) -> str:
        """Show no more than that there is nothing to see."""
        return "UNUSABLE"


UNUSABLE: Final = Unusable()


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a person finds a value in order to change it.

    Attributes:
        file: as the person would type it; None where it is not known.
        line: counted from 1; None where it is not known.
    """

    file: str | None = None
    line: int | None = None


Locate = Callable[[Path], Place]


def nowhere(path: Path) -> Place:  # noqa: ARG001 - has to be called as every Locate is
    """Locate for values of which nobody knows where they were written."""
    return Place()


@dataclasses.dataclass(frozen=True)
class Fault:
    """A mistake as a check finds it.

    Attributes:
        path: the value that has to be changed.
        problem: what is wrong with it, in words that go on from its name.
        hint: what to do about it, as an order.
        sealed: whether it is only closed to whoever asks, such as an encrypted one without the
            password, and may be right.
    """

    path: Path
    problem: str
    hint: str
    sealed: bool = False


@dataclasses.dataclass(frozen=True)
class Finding:
    """A mistake as a person, or a program, reads about it.

    Attributes:
        variable: as one writes it down, such as ``uplink_networks[0].passphrase``.
        problem: what is wrong with it. Never holds the value of a secret.
        hint: what to do about it.
        file: where the value was written; None where it is not known.
        line: counted from 1; None where it is not known.
    """

    variable: str
    problem: str
    hint: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        """All on one line: ``inventory/home/garage.yml:12: uplink_country: problem; hint``."""
        place = [self.file] if self.file else []
        if self.file and self.line:
            place = [f"{self.file}:{self.line}"]
        text = ": ".join([*place, self.variable, f"{self.problem}; {self.hint}"])
        # An inventory may hold any character, line breaks too; a finding is one line.
        return " ".join(text.split())


def variable_name(path: Path) -> str:
    """Write a path as one does: ``("a", 0, "b")`` is ``a[0].b``."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += f".{part}" if name else part
    return name


def placed(faults: list[Fault], locate: Locate) -> list[Finding]:
    """Turn faults into findings, in the order in which a person works through the files.

    Args:
        faults: the first one about a path stands for all about it.
        locate: where each path was written.
    """
    first: dict[Path, Fault] = {}
    for fault in faults:
        first.setdefault(fault.path, fault)
    findings = []
    for fault in first.values():
        where = locate(fault.path)
        findings.append(
            Finding(variable_name(fault.path), fault.problem, fault.hint, where.file, where.line)
        )
    # What stands nowhere, such as a variable that is missing, comes last, in order of detection.
    return sorted(findings, key=lambda each: (each.file is None, each.file or "", each.line or 0))
