"""The result of a validation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from bridgectl.errors import Issue, Location


@dataclasses.dataclass(frozen=True)
class Finding:
    """An issue of an inventory.

    Attributes:
        issue: what is wrong, where, and what helps.
        by: the check: inventory, variables, fleet, secrets, rendering, or the name of a daemon.
        bridges: the affected bridges; empty if it concerns the whole inventory.
    """

    issue: Issue
    by: str
    bridges: tuple[str, ...] = ()

    @property
    def location(self) -> Location:
        """Where to change it."""
        return self.issue.location


@dataclasses.dataclass(frozen=True)
class NotChecked:
    """Files that a daemon could not check.

    Attributes:
        program: name of the daemon.
        issue: why it could not check them, and how it can.
        files: number of files.
    """

    program: str
    issue: Issue
    files: int


@dataclasses.dataclass(frozen=True)
class Bridge:
    """The result of one bridge.

    Attributes:
        name: its name in the inventory.
        backends: those whose files were rendered; empty if none could be.
        files: number of rendered files of all backends.
        unreadable: values that could not be read, and may be correct.
        not_rendered: why it has no files; None if it has.
    """

    name: str
    backends: tuple[str, ...]
    files: int
    unreadable: tuple[Issue, ...]
    not_rendered: str | None


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of a validation.

    Attributes:
        inventory: as given by the user.
        bridges: in the inventory's order.
        findings: by file and line.
        not_checked: daemons that could not check their files.
        notes: other information for the user, in sentences.
        output: the folder of the rendered files; None if they were not written.
        seconds: duration of the validation.
    """

    inventory: str
    bridges: tuple[Bridge, ...]
    findings: tuple[Finding, ...]
    not_checked: tuple[NotChecked, ...]
    notes: tuple[str, ...]
    output: str | None
    seconds: float

    def findings_of(self, bridge: str) -> list[Finding]:
        """Return the findings of a bridge."""
        return [each for each in self.findings if bridge in each.bridges]

    @property
    def findings_of_all(self) -> list[Finding]:
        """Return the findings of the inventory as a whole."""
        return [each for each in self.findings if not each.bridges]


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Merge findings that several bridges share, such as an error in group_vars.

    Args:
        findings: each about one bridge or the whole inventory.

    Returns:
        them by file and line; those without a file come last, one per bridge.
    """
    merged_bridges: dict[Finding, list[str]] = {}
    for each in findings:
        # A missing variable has no file, and each bridge needs its own.
        key = each if each.location.file is None else dataclasses.replace(each, bridges=())
        names = merged_bridges.setdefault(key, [])
        names += [name for name in each.bridges if name not in names]
    found = [
        dataclasses.replace(key, bridges=tuple(names)) for key, names in merged_bridges.items()
    ]
    return tuple(sorted(found, key=_file_order))


def _file_order(finding: Finding) -> tuple[bool, str, int]:
    location = finding.location
    return location.file is None, location.file or "", location.line or 0
