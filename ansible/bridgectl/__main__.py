"""python -m bridgectl COMMAND: the targets of the Makefile that run on the controller."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

COMMANDS = {
    "init": "create the configuration of a bridge",
    "validate": "check configurations without a Pi",
    "rehearse": "apply a configuration to a twin of its Pi in the lab",
    "doctor": "check bridges over SSH",
    "docs": "write the tables of variables into the READMEs of the roles",
}
"""The help text of each command. Its module in bridgectl.commands has the same name.

Only the module of the given command is imported, because most import Ansible, which takes a second.
"""


def main(arguments: Sequence[str]) -> int:
    """Run a command.

    Args:
        arguments: the command line without the program's name.

    Returns:
        the exit status.
    """
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    if name not in COMMANDS:
        problem = f"unknown command {name!r}" if name else "no command given"
        print(f"bridgectl: {problem}\n\n{_usage()}", file=sys.stderr)
        return 2
    status: int = importlib.import_module(f"bridgectl.commands.{name}").main(arguments[1:])
    return status


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = (f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return "\n".join(["usage: python -m bridgectl COMMAND [-h] ...", "", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
