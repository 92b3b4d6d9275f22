"""A change of this Pi's network that is not confirmed undoes itself: look, confirm, undo.

What a person at the Pi needs is status, confirm and undo. pvs-bridge's own runs use the others.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys

from pvs_bridge.rollback.rollback import Rollback, RollbackError
from pvs_bridge.rollback.runtime import say


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit status: 0 done, 1 refused or nothing to do.
    """
    chosen = _parser().parse_args(arguments)
    if os.geteuid() != 0:
        print("error: only root may look at it. Hint: sudo pvs-bridge rollback ...")
        return 1
    try:
        return int(chosen.action(Rollback(), chosen))
    except (RollbackError, OSError) as error:
        say(str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pvs-bridge rollback", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("status", help="say whether a change waits to be confirmed")
    one.add_argument("--json", action="store_true", help="for another program")
    one.set_defaults(action=_status)

    one = commands.add_parser("confirm", help="keep the change for good")
    one.add_argument("--id", help="only this one; for pvs-bridge's own runs, answers as JSON")
    one.add_argument("--look", action="store_true", help="only say whether it could be confirmed")
    one.set_defaults(action=_confirm)

    one = commands.add_parser("undo", help="put everything back now")
    one.add_argument("--id", help="only this one")
    one.add_argument("--reason", default="somebody asked for it", help="default: %(default)s")
    one.set_defaults(action=_undo)

    one = commands.add_parser("arm", help="keep everything as it is, and set the timer")
    one.add_argument("--id", required=True)
    one.add_argument("--controller", required=True)
    one.add_argument("--timeout-seconds", type=int, required=True)
    one.add_argument("--interfaces", required=True, help="with commas between them")
    one.set_defaults(action=_arm)

    one = commands.add_parser("apply", help="carry out the change that stands in standard input")
    one.add_argument("--id", required=True)
    one.set_defaults(action=_apply)

    one = commands.add_parser("boot", help="put everything back before the network starts")
    one.set_defaults(action=_boot)
    return parser


def _status(rollback: Rollback, chosen: argparse.Namespace) -> int:
    pending, last = rollback.pending(), rollback.last_undone()
    if chosen.json:
        waiting = pending and {
            "id": pending.id,
            "controller": pending.controller,
            "age_seconds": pending.age_seconds,
            "left_seconds": pending.left_seconds,
        }
        print(json.dumps({"pending": waiting, "last_undone": last}))
        return 0
    if pending:
        print(
            f"a change by {pending.controller}, {pending.age_seconds} s old, waits to be "
            f"confirmed; it will be undone in {pending.left_seconds} s"
        )
    else:
        print("no change waits to be confirmed")
    if last:
        print(f"last undone: {last['when']}, a change by {last['controller']}: {last['reason']}")
        if last["folder"]:
            print(f"  the rejected files lie in {last['folder']}")
    return 0


def _confirm(rollback: Rollback, chosen: argparse.Namespace) -> int:
    state = rollback.confirm(chosen.id, look=chosen.look)
    if chosen.id:
        last = rollback.last_undone() if state == "undone" else {}
        print(json.dumps({"state": state, "undone": last}))
        return 0
    print(
        {
            "confirmed": "confirmed: the network stays as it is",
            "applied": "the change has been carried out, and waits to be confirmed",
            "applying": "the change is still being carried out; try again in a few seconds",
        }.get(state, "no change waits to be confirmed")
    )
    return 0 if state in ("confirmed", "applied") else 1


def _undo(rollback: Rollback, chosen: argparse.Namespace) -> int:
    # Whoever types it over SSH may lose the session by it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if rollback.undo(chosen.reason, chosen.id):
        say("undone: the network is as it was")
        return 0
    print("no change waits to be confirmed, so there is nothing to undo")
    return 0 if chosen.id else 1


def _arm(rollback: Rollback, chosen: argparse.Namespace) -> int:
    rollback.arm(chosen.id, chosen.controller, chosen.timeout_seconds, chosen.interfaces.split(","))
    return 0


def _apply(rollback: Rollback, chosen: argparse.Namespace) -> int:
    rollback.apply(chosen.id, sys.stdin.read())
    return 0


def _boot(rollback: Rollback, _: argparse.Namespace) -> int:
    rollback.undo("the Pi was started again before anybody confirmed it", booting=True)
    return 0
