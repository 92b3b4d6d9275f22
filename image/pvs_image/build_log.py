"""The log of a stage: programs write to a file, and the user sees it only after a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from pvs_image.errors import ImageError
from pvs_image.programs import PATH

_SHOWN_LINES = 8


class Log:
    """The log of a stage."""

    def __init__(self, stage: str, output: IO[str], report: Callable[[str], None]) -> None:
        """Start the log.

        Args:
            stage: the stage's name.
            output: receives the programs' output.
            report: receives the progress lines for the user.
        """
        self.stage = stage
        self._output = output
        self._report = report
        self._started = time.monotonic()

    def step(self, title: str) -> None:
        """Report the next step, and the seconds since the stage started."""
        line = f"{self.stage}: [{time.monotonic() - self._started:3.0f} s] {title}"
        self._report(line)
        print(line, file=self._output, flush=True)

    def run(
        self,
        command: Sequence[str],
        *,
        hint: str,
        environment: Mapping[str, str] | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        """Run a program to its end.

        Args:
            command: the program and its arguments.
            hint: what the user can do if it fails.
            environment: additional variables.
            folder: its working directory.

        Raises:
            ImageError: it is missing, or fails.
        """
        self._output.flush()
        program = shutil.which(command[0], path=PATH)
        if program is None:
            raise ImageError(f"{command[0]} is missing", f"apt-get install {command[0]}")
        try:
            done = subprocess.run(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={
                    **os.environ,
                    "PATH": PATH,
                    "LC_ALL": "C.UTF-8",
                    "TZ": "UTC",
                    **(environment or {}),
                },
                check=False,
            )
        except OSError as error:
            raise ImageError(
                f"{program} cannot be run: {error.strerror}",
                "check its permissions and its interpreter",
            ) from error
        if done.returncode:
            raise ImageError(
                f"{self.stage}: {command[0]} failed; the full log is {self._output.name}\n"
                + self._last_lines(),
                hint,
            )

    def _last_lines(self) -> str:
        with open(self._output.name, errors="replace") as log:  # noqa: PTH123 - a file's own name
            lines = [line.rstrip() for line in log if line.strip()]
        return "\n".join(f"    {line}" for line in lines[-_SHOWN_LINES:])
