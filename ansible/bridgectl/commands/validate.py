"""Check the configuration of bridges; needs neither a Pi nor root nor a network.

Exit status: 0 without findings, 1 with findings, 2 if the validation cannot work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bridgectl.errors import CannotWorkError
from bridgectl.inventory import passwords
from bridgectl.validate.formats import FORMATS, command
from bridgectl.validate.run import Options, validate
from bridgectl.validate.supervision import CANNOT_WORK, supervised


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line in a process of bounded memory and time.

    Args:
        arguments: without the program's name; None for those of the command line.

    Returns:
        the exit status.
    """
    return run(arguments, supervised)


def run(
    arguments: Sequence[str] | None = None,
    start: Callable[[Callable[[], int]], int] = lambda work: work(),
) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; None for those of the command line.
        start: runs the validation itself, after a password was asked for.

    Returns:
        the exit status.
    """
    parser = argparse.ArgumentParser(prog="make validate", description=__doc__, allow_abbrev=False)
    parser.add_argument("--inventory", default="inventory/home", help="a file or a folder")
    parser.add_argument("--limit", default="", help="an Ansible pattern that selects bridges")
    parser.add_argument("--format", default="text", choices=FORMATS, help="format of the report")
    parser.add_argument("--output", default="", help="folder for the rendered files")
    passwords.add_options(parser)
    parser.add_argument(
        "-e",
        "--extra-vars",
        action="append",
        default=[],
        help="variables as in ansible-playbook",
    )
    parser.add_argument(
        "--strict", action="store_true", help="report values that cannot be read as findings"
    )
    chosen = parser.parse_args(arguments)
    try:
        options = Options(
            Path(chosen.inventory),
            chosen.limit,
            Path(chosen.output) if chosen.output else None,
            passwords.passwords(chosen),
            tuple(chosen.extra_vars),
            chosen.strict,
        )
    except CannotWorkError as error:
        return _explain(error, chosen.format)
    return start(lambda: _validate(options, chosen.format))


def _validate(options: Options, form: str) -> int:
    try:
        report = validate(options)
    except CannotWorkError as error:
        return _explain(error, form)
    print(FORMATS[form](report))
    return 1 if report.findings else 0


def _explain(error: CannotWorkError, form: str) -> int:
    if form == "github":
        print(command("error", {}, error.issue.message))
    else:
        print(f"error: {error.issue.text}", file=sys.stderr)
    return CANNOT_WORK
