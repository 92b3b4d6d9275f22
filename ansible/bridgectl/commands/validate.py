"""Prove the description of bridges before it travels: no Pi, no root, no network.

Exit status: 0 where all is well, 1 where there are findings, 2 where it cannot work.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bridgectl.validate.formats import FORMATS
from bridgectl.validate.report import CannotWorkError
from bridgectl.validate.run import Wanted, validate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the command line where there are none.

    Returns:
        the exit status.
    """
    parser = argparse.ArgumentParser(prog="make validate", description=__doc__, allow_abbrev=False)
    parser.add_argument("--inventory", default="inventory/home", help="a file or a folder")
    parser.add_argument("--limit", default="", help="a pattern of Ansible's for the bridges")
    parser.add_argument("--format", default="text", choices=FORMATS, help="how to show it")
    parser.add_argument("--output", default="", help="the folder for the rendered files")
    parser.add_argument(
        "--vault-password-file",
        action="append",
        default=list(filter(None, [os.environ.get("ANSIBLE_VAULT_PASSWORD_FILE")])),
        help="opens what is encrypted; may be given several times",
    )
    parser.add_argument(
        "--strict", action="store_true", help="take what cannot be looked into for a mistake"
    )
    chosen = parser.parse_args(arguments)
    wanted = Wanted(
        Path(chosen.inventory),
        chosen.limit,
        Path(chosen.output) if chosen.output else None,
        tuple(map(Path, chosen.vault_password_file)),
        chosen.strict,
    )
    try:
        report = validate(wanted)
    except CannotWorkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(FORMATS[chosen.format](report))
    return 1 if report.problems else 0
