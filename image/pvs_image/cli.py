"""The command line: parse it, run a command, print errors."""

from __future__ import annotations

import argparse
import errno
import importlib
import pkgutil
import sys
from collections.abc import Sequence

from pvs_image import commands
from pvs_image.errors import ImageError

# File errors that any command can meet, and that the user can correct.
_HINTS = {
    errno.EACCES: "run this as the owner, or change the owner with chown",
    errno.EDQUOT: "free some space there",
    errno.ENOSPC: "free some space there",
    errno.EROFS: "choose a writable folder",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: without the program's name; by default those of the command line.

    Returns:
        the exit status: 1 after an error, 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="pvs_image", allow_abbrev=False)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for found in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"{commands.__name__}.{found.name}")
        text = (module.__doc__ or "").splitlines()[0]
        command = subparsers.add_parser(found.name, help=text, description=text, allow_abbrev=False)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in _HINTS:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(
            f"error: {ImageError(f'{where}{error.strerror}', _HINTS[error.errno])}", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted; completed stages are kept for the next build", file=sys.stderr)
        return 130
