"""pvs-bridge overlay: lock the root file system against writes, or unlock it for a change."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence

from pvs_bridge.errors import IssueError
from pvs_bridge.host import overlay
from pvs_bridge.host.overlay import DEFAULT_REASON, Root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        the exit status: 0 done or nothing to do, 1 refused.
    """
    options = _parser().parse_args(arguments)
    root = Root()
    if options.command == "status":
        print(json.dumps(root.status()) if options.json else root.describe())
        return 0
    if os.geteuid() != 0:
        print("error: must be run as root. Hint: sudo pvs-bridge overlay ...")
        return 1
    try:
        changed = root.lock() if options.command == "lock" else root.unlock(options.reason)
        if not changed:
            print(root.describe())
            return 0
        print(f"the Pi restarts to {options.command} its root", flush=True)
        overlay.restart()
    except (IssueError, OSError) as error:
        print(f"error: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge overlay",
        description="A locked root keeps changes in memory, and the next restart discards them. "
        "To change something for good: unlock, change it, lock.",
        epilog="Exit status: 0 done or nothing to do, 1 refused, 2 wrong usage.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser("status", help="show whether the root is locked")
    one.add_argument("--json", action="store_true", help="print JSON")
    one = commands.add_parser("unlock", help="restart with a root that keeps changes")
    one.add_argument(
        "--reason",
        default=DEFAULT_REASON,
        metavar="TEXT",
        help="who or what unlocks it (default: %(default)s)",
    )
    commands.add_parser("lock", help="restart with a root that discards changes")
    return parser
