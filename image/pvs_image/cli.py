"""The command line: which command there is to run, and how a mistake is told."""

from __future__ import annotations

import argparse
import errno
import importlib
import pkgutil
import sys
from collections.abc import Sequence

from pvs_image import commands
from pvs_image.errors import ImageError

# What the machine's disk or its owner refuses, whichever file it is.
_HINTS = {
    errno.EACCES: "have it belong to you, such as with chown, or run this as who it belongs to",
    errno.EDQUOT: "free some space there",
    errno.ENOSPC: "free some space there",
    errno.EROFS: "give it a folder that can be written to",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: without the program's name; those of the command line where there are none.

    Returns:
        the exit status: 1 where the work could not be done, 130 where a person ended it.
    """
    parser = argparse.ArgumentParser(prog="pvs_image", allow_abbrev=False)
    chooser = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for each in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"{commands.__name__}.{each.name}")
        told = (module.__doc__ or "").splitlines()[0]
        command = chooser.add_parser(each.name, help=told, description=told, allow_abbrev=False)
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
        refused = ImageError(f"{where}{error.strerror}", _HINTS[error.errno])
        print(f"error: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ended by hand; what was complete is kept for the next time", file=sys.stderr)
        return 130
