"""pvs-bridge overlay: lock the root file system against writes, or unlock it for a change."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Sequence

from pvs_bridge.host.overlay import SOMEBODY, Root, RootError


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    options = _parser().parse_args(arguments)
    root = Root()
    if options.command == "status":
        print(json.dumps(root.status()) if options.json else root.words())
        return 0
    if os.geteuid() != 0:
        print("error: only root may do that. Hint: sudo pvs-bridge overlay ...")
        return 1
    try:
        changed = root.lock() if options.command == "lock" else root.unlock(options.reason)
    except (RootError, OSError) as error:
        print(f"error: {error}")
        return 1
    if not changed:
        print(root.words())
        return 0
    print(f"the Pi restarts, to {options.command} its root", flush=True)
    subprocess.run(["systemctl", "reboot"], check=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge overlay",
        description="A locked root takes changes into memory, and the next restart forgets them. "
        "To change something for good: unlock, change it, lock.",
        epilog="Exit status: 0 done, or so already; 1 refused; 2 wrong usage.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser("status", help="say whether the root is locked")
    one.add_argument("--json", action="store_true", help="for another program")
    one = commands.add_parser("unlock", help="restart with a root that keeps what is written")
    one.add_argument(
        "--reason", default=SOMEBODY, metavar="WORD", help="who unlocks (default: %(default)s)"
    )
    commands.add_parser("lock", help="restart with a root that forgets what is written")
    return parser
