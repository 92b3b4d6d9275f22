"""pvs-bridge monitor: check and repair the bridge once, or take one recovery step by hand."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.config import (
    FOLDER,
    ConfigError,
    HealthConfig,
    MonitorConfig,
    NotifyConfig,
    read_config,
)
from pvs_bridge.host import units
from pvs_bridge.host.clock import wall_clock
from pvs_bridge.host.network import LocalProbe
from pvs_bridge.monitor import actions, notifier
from pvs_bridge.monitor.links import ShownLink, may_recover_soon
from pvs_bridge.monitor.monitor import Monitor, Paths
from pvs_bridge.monitor.state import State, read_state, write_state

USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        config = read_config(options.folder / "monitor.json", MonitorConfig)
        health = read_config(options.folder / "health.json", HealthConfig)
    except ConfigError as error:
        print(f"pvs-bridge monitor: {error}", file=sys.stderr)
        return USAGE
    try:
        if options.command == "step":
            return _step(config, health, options.action, options.target)
        return _run(config, health, options.folder / "notify.json")
    except PermissionError as error:
        print(f"pvs-bridge monitor: {error}. Hint: run it with sudo", file=sys.stderr)
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge monitor",
        description="Run the monitor once, as its timer does: check the links, take the recovery "
        "step that is due, and log events. Asks the PVS for its devices when that is due.",
        epilog="Exit status: 0 checked, or the step was taken; 1 the step failed; 2 wrong usage or "
        "configuration.",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        metavar="FOLDER",
        help="the folder of monitor.json and health.json (default: %(default)s)",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("run", help="check and repair the bridge once (the default)")
    step = commands.add_parser("step", help="take one recovery step now")
    step.add_argument("action", choices=actions.NAMES, help="the action of the step")
    step.add_argument(
        "target",
        nargs="?",
        default="",
        help="pvs or home; for restart-unit, the name of the unit",
    )
    return parser


def _run(config: MonitorConfig, health: HealthConfig, notify: Path) -> int:
    paths = Paths()
    monitor = Monitor(
        config,
        health,
        LocalProbe(),
        units,
        paths,
        time.clock_gettime(time.CLOCK_BOOTTIME),
        wall_clock(),
        _log,
    )
    state = monitor.run_once(read_state(paths.state))
    if notify.exists():
        _notify(state, notify, monitor.now, monitor.wall)
    write_state(paths.state, state)
    # Not after a run by hand, and not while the timer is stopped.
    shown = [ShownLink(**link) for link in state.links]
    if "TRIGGER_UNIT" in os.environ and may_recover_soon(shown):
        units.run(actions.AGAIN_SOON)
    return 0


def _notify(state: State, config: Path, now: float, wall: float | None) -> None:
    """Start the service that sends messages, if it has something to do."""
    try:
        limits = read_config(config, NotifyConfig)
        if notifier.is_due(state, limits, notifier.Paths(), now, wall):
            failed = units.run(notifier.START)
            if failed:
                _log(f"cannot send messages: {failed}")
    except (ConfigError, OSError) as error:
        _log(f"cannot send messages: {error}")


def _log(text: str) -> None:
    """Print a line; for the journal as a notice, which the unit's LogLevelMax keeps."""
    priority = "<5>" if "JOURNAL_STREAM" in os.environ else ""
    print(f"{priority}{text}", flush=True)


def _step(config: MonitorConfig, health: HealthConfig, action: str, target: str) -> int:
    if action in actions.SIDED and target not in actions.SIDES:
        problem = f"the target of {action} must be pvs or home, got {target!r}"
        print(f"pvs-bridge monitor: {problem}", file=sys.stderr)
        return USAGE
    if target == "pvs" and health.pvs_at_home:
        print("pvs-bridge monitor: the PVS is in the home network, use home", file=sys.stderr)
        return USAGE
    if action == "restart-unit" and not target:
        print(
            "pvs-bridge monitor: the target of restart-unit must be the name of a unit",
            file=sys.stderr,
        )
        return USAGE
    failed = units.run(actions.commands(config, health, action, target))
    if failed:
        print(f"pvs-bridge monitor: {failed}", file=sys.stderr)
        return 1
    print(f"pvs-bridge monitor: {actions.describe(action, target)}")
    return 0
