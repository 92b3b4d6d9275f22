"""Check rendered files with their daemons, if these are installed on this computer.

Needs neither root nor the network. A daemon reads copies in a temporary folder, in which the paths
of other rendered files are replaced by their copies.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bridgectl.errors import Issue, Location
from bridgectl.validate.daemons import (
    PROGRAMS,
    Complaint,
    DaemonError,
    Program,
    check_file,
)
from bridgectl.validate.rendered_files import RenderedFile
from bridgectl.validate.report import Finding, NotChecked


@dataclasses.dataclass(frozen=True)
class Job:
    """A file to be checked.

    Attributes:
        program: the daemon.
        path: on the Pi.
        text: content of the file.
        others: paths and contents of other rendered files that it refers to.
        command: the role's own command; empty if it has none.
    """

    program: Program
    path: str
    text: str
    others: tuple[tuple[str, str], ...]
    command: str


# Returns the path of a rendered file on this computer, by bridge, backend and path on the Pi.
Locate = Callable[[str, str, str], str]


class Checkers:
    """Collects files, and checks each different content once."""

    def __init__(self, locate: Locate) -> None:
        """Create a list without files.

        Args:
            locate: returns the path of a rendered file.
        """
        self._locate = locate
        self._jobs: dict[Job, list[tuple[str, str]]] = {}

    def add(self, bridge: str, backend: str, files: Mapping[str, RenderedFile]) -> None:
        """Add the files of a bridge.

        Args:
            bridge: its name.
            backend: its network backend.
            files: by path on the Pi.
        """
        for path, file in files.items():
            program = next((each for each in PROGRAMS if each.reads(path, file.validate)), None)
            if program is not None and file.target is None:
                others = tuple(
                    (other, files[other].text)
                    for other in files
                    if other != path and other in file.text
                )
                job = Job(program, path, file.text, others, file.validate or "")
                self._jobs.setdefault(job, []).append((bridge, backend))

    def run(self) -> tuple[list[Finding], list[NotChecked]]:
        """Check all files; return the findings, and the files that could not be checked."""
        findings: list[Finding] = []
        missing: dict[tuple[str, Issue], int] = {}
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for (job, owners), outcome in zip(
                self._jobs.items(), pool.map(_check, self._jobs), strict=True
            ):
                if isinstance(outcome, DaemonError):
                    key = (job.program.name, outcome.issue)
                    missing[key] = missing.get(key, 0) + len(owners)
                else:
                    findings += self._findings(job, owners, outcome)
        not_checked = [NotChecked(*key, count) for key, count in missing.items()]
        return findings, not_checked

    def _findings(
        self, job: Job, owners: Iterable[tuple[str, str]], complaints: Iterable[Complaint]
    ) -> Iterable[Finding]:
        for bridge, backend in owners:
            for each in complaints:
                issue = Issue(
                    f"{job.program.name} rejects {job.path}: {each.message}",
                    "read the line, and correct the variable that it comes from; if the variable "
                    "is correct, report a bug in pvs-bridge",
                    Location(file=self._locate(bridge, backend, job.path), line=each.line),
                )
                yield Finding(issue, job.program.name, (bridge,))


def _check(job: Job) -> list[Complaint] | DaemonError:
    with tempfile.TemporaryDirectory(prefix="pvs-bridge-") as folder:
        root = Path(folder)
        moved = {path: str(root / path.lstrip("/")) for path, _ in job.others}
        text = job.text
        # The longest path first, because one path may be the beginning of another.
        for path in sorted(moved, key=len, reverse=True):
            text = text.replace(path, moved[path])
        for path, content in ((job.path, text), *job.others):
            copy = root / path.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(content, encoding="utf-8", newline="")
        try:
            complaints = check_file(job.program, root / job.path.lstrip("/"), job.command)
        except DaemonError as error:
            return error
        return [each.without(folder) for each in complaints]
