"""pvs-bridge rollback: show, confirm or undo a change of this Pi's network."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from pvs_bridge.host.network import is_connected
from pvs_bridge.rollback.rollback import Rollback, RollbackError
from pvs_bridge.rollback.runtime import say

_NOTHING = "no network change is pending"


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit status: 0 done, 1 refused or nothing to do.
    """
    chosen = _parser().parse_args(arguments)
    if os.geteuid() != 0:
        print("error: must be run as root. Hint: sudo pvs-bridge rollback ...")
        return 1
    try:
        return int(chosen.action(Rollback(), chosen))
    except (RollbackError, OSError) as error:
        say(str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge rollback",
        description="Show, confirm or undo a change of this Pi's network. A change that is not "
        "confirmed in time is undone.",
        epilog="The playbook and systemd use arm, apply and boot.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("status", help="show whether a change is not confirmed yet")
    one.add_argument("--json", action="store_true", help="print JSON")
    one.set_defaults(action=_status)

    one = commands.add_parser("confirm", help="keep the change")
    one.add_argument("--id", help="only this change; print JSON")
    one.add_argument("--look", action="store_true", help="only check whether it can be confirmed")
    one.add_argument(
        "--if-connected", metavar="INTERFACE", help="only if the router of its network answers"
    )
    one.set_defaults(action=_confirm)

    one = commands.add_parser("undo", help="restore the previous state now")
    one.add_argument("--id", help="only this change")
    one.add_argument("--reason", default="a user requested it", help="default: %(default)s")
    one.set_defaults(action=_undo)

    one = commands.add_parser("arm", help="save the current state, and start the timer")
    one.add_argument("--id", required=True)
    one.add_argument("--controller", required=True)
    one.add_argument("--timeout-seconds", type=int, required=True)
    one.add_argument("--interfaces", required=True, help="separated by commas")
    one.set_defaults(action=_arm)

    one = commands.add_parser("apply", help="apply the shell script from standard input")
    one.add_argument("--id", required=True)
    one.set_defaults(action=_apply)

    one = commands.add_parser("boot", help="restore the previous state before the network starts")
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
            f"a change by {pending.controller}, {pending.age_seconds} s old, is not confirmed yet; "
            f"it will be undone in {pending.left_seconds} s"
        )
    else:
        print(_NOTHING)
    if last:
        print(f"last undone: {last['when']}, a change by {last['controller']}: {last['reason']}")
        if last["folder"] and Path(last["folder"]).is_dir():
            print(f"  the rejected files are in {last['folder']}")
    return 0


def _confirm(rollback: Rollback, chosen: argparse.Namespace) -> int:
    waits = bool(chosen.if_connected) and not is_connected(chosen.if_connected)
    state = rollback.confirm(chosen.id, look=chosen.look or waits)
    if chosen.id:
        last = rollback.last_undone() if state == "undone" else {}
        print(json.dumps({"state": state, "undone": last}))
        return 0
    print(
        {
            "confirmed": "confirmed: the change is kept",
            "applied": "the change has been applied, and is not confirmed yet",
            "applying": "the change is still being applied; try again in a few seconds",
        }.get(state, _NOTHING)
    )
    return 0 if state in ("confirmed", "applied") else 1


def _undo(rollback: Rollback, chosen: argparse.Namespace) -> int:
    # The undo may end the SSH session in which it was typed.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if rollback.undo(chosen.reason, chosen.id):
        say("undone: the previous network is restored")
        return 0
    print(_NOTHING)
    return 0 if chosen.id else 1


def _arm(rollback: Rollback, chosen: argparse.Namespace) -> int:
    rollback.arm(chosen.id, chosen.controller, chosen.timeout_seconds, chosen.interfaces.split(","))
    return 0


def _apply(rollback: Rollback, chosen: argparse.Namespace) -> int:
    rollback.apply(chosen.id, sys.stdin.read())
    return 0


def _boot(rollback: Rollback, _: argparse.Namespace) -> int:
    rollback.undo("the Pi was restarted before it was confirmed", booting=True)
    return 0
