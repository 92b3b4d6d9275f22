"""Examine a bridge over SSH alone, and name the first thing that is broken, with its hint.

Changes nothing, needs no run of Ansible, and works where Python on the Pi does not. The PVS is
asked for one device list, through the bridge. `--bundle` puts logs and configuration into one
archive, every secret removed, to be handed to somebody who helps.

Exit status: 0 where each bridge is healthy, 1 where one is not, 2 where the doctor cannot work.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bridgectl.doctor import report
from bridgectl.doctor.bundle import write
from bridgectl.doctor.examine import Examination, examined
from bridgectl.doctor.target import Patient, read
from bridgectl.paths import PROJECT
from bridgectl.validate.report import CannotWorkError

HEALTHY, ILL, CANNOT_WORK = 0, 1, 2
_WIDTH = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the command line where there are none.

    Returns:
        the exit status.
    """
    parser = argparse.ArgumentParser(
        prog="make doctor",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--inventory", type=Path, default=Path("inventory/home"))
    parser.add_argument("--limit", default="", help="a pattern of Ansible's for the bridges")
    parser.add_argument("--bundle", action="store_true", help="collect logs and configuration")
    parser.add_argument(
        "--output", type=Path, default=PROJECT / "build", help="the folder for the bundle"
    )
    chosen = parser.parse_args(arguments)
    try:
        patients = read(chosen.inventory, chosen.limit)
        ill = [
            patient
            for patient in patients
            if not _examine(patient, chosen.output if chosen.bundle else None)
        ]
    except CannotWorkError as error:
        print(f"error: {error}", file=sys.stderr)
        return CANNOT_WORK
    except KeyboardInterrupt:
        return 130
    return ILL if ill else HEALTHY


def _examine(patient: Patient, bundle_into: Path | None) -> bool:
    """Examine one bridge, and tell a person.

    Args:
        patient: the bridge.
        bundle_into: the folder for its bundle; None for no bundle.

    Returns:
        whether it is healthy.

    Raises:
        CannotWorkError: the doctor cannot work, or the bundle cannot be written.
    """
    with examined(patient, _tell) as examination:
        _tell("")
        print(_text(examination), flush=True)
        if bundle_into:
            _tell("collecting logs and configuration")
            path, removed = write(examination, bundle_into)
            _tell("")
            print(f"\n{path}\n  {removed} secrets and hardware addresses were taken out of it")
    print(flush=True)
    return examination.healthy


def _text(examination: Examination) -> str:
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((_WIDTH, 24)).columns if terminal else _WIDTH
    return report.text(examination, width, colours=terminal and "NO_COLOR" not in os.environ)


def _tell(what: str) -> None:
    """Show what takes time, in a line that what comes next takes the place of."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}{' ...' if what else ''}", end="", file=sys.stderr, flush=True)
