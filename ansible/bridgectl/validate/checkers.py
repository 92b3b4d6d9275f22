"""Each daemon's own judgement of its files, as far as the daemon is on this machine.

Nothing here needs root or the network, or is ever put into place: a checker reads copies in a
temporary folder, in which the paths of other rendered files lead to their copies.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bridgectl.validate.daemons import (
    PROGRAMS,
    Complaint,
    DoesNotWorkError,
    Program,
    check_command,
)
from bridgectl.validate.rendered_files import Written
from bridgectl.validate.report import NotChecked, Problem


@dataclasses.dataclass(frozen=True)
class Job:
    """A file to be judged.

    Attributes:
        program: by which one.
        path: where it will be on the Pi.
        text: what it says.
        others: the other rendered files that it names, by their paths on the Pi.
        command: the role's own checker; empty where the roles have none.
    """

    program: Program
    path: str
    text: str
    others: tuple[tuple[str, str], ...]
    command: str


# Where a file is for a person to read, by bridge, backend and path on the Pi.
Locate = Callable[[str, str, str], str]


class Checkers:
    """Collects files, and has each text judged once."""

    def __init__(self, locate: Locate) -> None:
        """Begin with nothing to judge.

        Args:
            locate: names a rendered file for a person.
        """
        self._locate = locate
        self._jobs: dict[Job, list[tuple[str, str]]] = {}

    def add(self, bridge: str, backend: str, files: Mapping[str, Written]) -> None:
        """Take the files of a bridge in.

        Args:
            bridge: its name.
            backend: for which they are.
            files: by their paths on the Pi.
        """
        for path, file in files.items():
            program = next((each for each in PROGRAMS if each.reads(path, file.validate)), None)
            if program is not None and file.leads_to is None:
                others = tuple(
                    (other, files[other].text)
                    for other in files
                    if other != path and other in file.text
                )
                job = Job(program, path, file.text, others, file.validate or "")
                self._jobs.setdefault(job, []).append((bridge, backend))

    def run(self) -> tuple[list[Problem], list[NotChecked]]:
        """Have all of them judged; return what is wrong, and what nobody could judge."""
        problems: list[Problem] = []
        missing: dict[tuple[str, str, str], int] = {}
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for (job, owners), outcome in zip(
                self._jobs.items(), pool.map(_judged, self._jobs), strict=True
            ):
                if isinstance(outcome, DoesNotWorkError):
                    key = (job.program.name, outcome.why, outcome.hint)
                    missing[key] = missing.get(key, 0) + len(owners)
                else:
                    problems += self._problems(job, owners, outcome)
        not_checked = [NotChecked(*key, count) for key, count in missing.items()]
        return problems, not_checked

    def _problems(
        self, job: Job, owners: Iterable[tuple[str, str]], complaints: Iterable[Complaint]
    ) -> Iterable[Problem]:
        for bridge, backend in owners:
            for each in complaints:
                yield Problem(
                    job.program.name,
                    f"{job.program.name} refuses {job.path}: {each.said}",
                    "look at the line, and correct the variable that it is made of; if that is "
                    "right, report this as a fault of pvs-bridge",
                    file=self._locate(bridge, backend, job.path),
                    line=each.line,
                    bridges=(bridge,),
                )


def _judged(job: Job) -> list[Complaint] | DoesNotWorkError:
    with tempfile.TemporaryDirectory(prefix="pvs-bridge-") as folder:
        root = Path(folder)
        moved = {path: str(root / path.lstrip("/")) for path, _ in job.others}
        text = job.text
        # The longest first: one path may be the beginning of another.
        for path in sorted(moved, key=len, reverse=True):
            text = text.replace(path, moved[path])
        for path, content in ((job.path, text), *job.others):
            copy = root / path.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(content, encoding="utf-8", newline="")
        try:
            complaints = check_command(job.program, root / job.path.lstrip("/"), job.command)
        except DoesNotWorkError as error:
            return error
        return [each.without(folder) for each in complaints]
