"""Check bridges over SSH, and report the first broken component with a hint.

The doctor changes nothing, and needs neither Ansible nor Python on the Pi. It requests one device
list from the PVS through the bridge. `--bundle` writes a support bundle: logs and configuration
with secrets removed.

Exit status: 0 if all bridges are healthy, 1 if one is not, 2 if the doctor cannot work.
"""

from __future__ import annotations

import argparse
import getpass
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bridgectl.doctor import report
from bridgectl.doctor.bundle import write
from bridgectl.doctor.examine import Examination, examined
from bridgectl.doctor.target import Target, read_targets
from bridgectl.errors import CannotWorkError
from bridgectl.inventory import passwords
from bridgectl.paths import PROJECT

HEALTHY, BROKEN, CANNOT_WORK = 0, 1, 2
_WIDTH = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; None for those of the command line.

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
    parser.add_argument("--limit", default="", help="an Ansible pattern that selects bridges")
    parser.add_argument("--bundle", action="store_true", help="write a support bundle")
    parser.add_argument(
        "--output", type=Path, default=PROJECT / "build", help="folder for the bundle"
    )
    parser.add_argument(
        "--ask-become-pass", "-K", action="store_true", help="ask for the password of sudo"
    )
    passwords.add_options(parser)
    chosen = parser.parse_args(arguments)
    try:
        become = getpass.getpass("BECOME password: ") if chosen.ask_become_pass else ""
        vault = passwords.passwords(chosen)
        targets = read_targets(chosen.inventory, chosen.limit, vault, become)
        folder = chosen.output if chosen.bundle else None
        broken = [target for target in targets if not _examine(target, folder)]
    except CannotWorkError as error:
        print(f"error: {error}", file=sys.stderr)
        return CANNOT_WORK
    except KeyboardInterrupt:
        return 130
    return BROKEN if broken else HEALTHY


def _examine(target: Target, bundle_folder: Path | None) -> bool:
    """Check one bridge, and print the report.

    Args:
        target: the bridge.
        bundle_folder: the folder for its bundle; None for no bundle.

    Returns:
        whether the bridge is healthy.

    Raises:
        CannotWorkError: the doctor cannot work, or the bundle cannot be written.
    """
    with examined(target, _progress) as examination:
        _progress("")
        print(_text(examination), flush=True)
        if bundle_folder:
            _progress("collecting logs and configuration")
            path, removed = write(examination, bundle_folder)
            _progress("")
            print(f"\n{path}\n  {removed} secrets and hardware addresses were removed from it")
    print(flush=True)
    return examination.healthy


def _text(examination: Examination) -> str:
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((_WIDTH, 24)).columns if terminal else _WIDTH
    return report.text(examination, width, colours=terminal and "NO_COLOR" not in os.environ)


def _progress(step: str) -> None:
    """Show the current step in a line that the next output replaces."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{step}{' ...' if step else ''}", end="", file=sys.stderr, flush=True)
