"""Fixtures for the tests of ``make validate``."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[3]
COMMAND_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT / "ansible")}
"""For `python -m bridgectl`."""

GOOD = """\
---
pvs_bridges:
  hosts:
    garage:
      uplink_type: ethernet
      uplink_interface: eth1
"""


@dataclasses.dataclass(frozen=True)
class Done:
    """The result of a validation.

    Attributes:
        status: its exit status.
        output: its standard output.
        errors: its standard error.
    """

    status: int
    output: str
    errors: str

    @property
    def report(self) -> dict[str, Any]:
        """The report, where it was asked for as JSON."""
        report: dict[str, Any] = json.loads(self.output)
        return report

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What was found, where it was asked for as JSON."""
        found: list[dict[str, Any]] = self.report["findings"]
        return found


class Validator:
    """Validates inventories, in one process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Take the process that was started."""
        self._process = process

    def __call__(self, folder: Path, *arguments: str) -> Done:
        """Validate.

        Args:
            folder: the current folder, which contains the folder inventory.
            arguments: more of them.
        """
        words = ["--inventory", "inventory", *arguments]
        request = json.dumps({"folder": str(folder), "arguments": words})
        assert self._process.stdin, self._process.stdout  # noqa: S101 - pipes, by fixture
        self._process.stdin.write(f"{request}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline() if self._process.stdout else ""
        assert line, "the validation has broken down; its last words stand above"  # noqa: S101
        return Done(**json.loads(line))

    def json(self, folder: Path, *arguments: str) -> Done:
        """Validate, and have the report as JSON."""
        return self(folder, "--format", "json", *arguments)


@pytest.fixture(scope="session")
def validator() -> Iterator[Validator]:
    """Start a process that validates inventories with the daemons of this machine."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("driver.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={key: value for key, value in os.environ.items() if not key.startswith("WIFI")},
        text=True,
    ) as process:
        yield Validator(process)
        if process.stdin:
            process.stdin.close()


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write an inventory into a folder of its own.

    Args:
        folder: where the folder ``inventory`` is to be.
        files: by their paths in the inventory.

    Returns:
        the folder that was given.
    """
    for name, text in files.items():
        file = folder / "inventory" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
