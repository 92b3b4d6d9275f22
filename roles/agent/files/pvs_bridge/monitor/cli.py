"""pvs-bridge monitor: looks after the bridge, or takes one step of the ladder by hand."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.config import ConfigError, HealthConfig, MonitorConfig, read_config
from pvs_bridge.host import network, units
from pvs_bridge.monitor import actions, monitor
from pvs_bridge.monitor.state import read_memory, write_memory

USAGE = 2
_FOLDER = Path("/etc/pvs-bridge")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        config = read_config(options.folder / "monitor.json", MonitorConfig)
        health = read_config(options.folder / "health.json", HealthConfig)
    except ConfigError as error:
        print(f"pvs-bridge monitor: {error}", file=sys.stderr)
        return USAGE
    try:
        if options.command == "step":
            return _step(config, health, options.name, options.side)
        return _look(config, health)
    except PermissionError as error:
        print(f"pvs-bridge monitor: {error}; run it by sudo", file=sys.stderr)
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge monitor",
        description="Look after the bridge once, as its timer does: check the chain, take the step "
        "that is due, remember. Asks the PVS for its devices where that is due.",
        epilog="Exit status: 0 looked, or the step was taken; 1 the step failed; 2 wrong usage or "
        "configuration.",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=_FOLDER,
        metavar="FOLDER",
        help="where care.json and health.json are (default: %(default)s)",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("look", help="look after the bridge once (the default)")
    step = commands.add_parser("step", help="take one step now")
    step.add_argument("name", choices=actions.NAMES, help="which one")
    step.add_argument(
        "side",
        nargs="?",
        default="",
        help="of the chain: pvs or home; with restart-unit, the unit's name",
    )
    return parser


def _look(config: MonitorConfig, health: HealthConfig) -> int:
    places = monitor.Places()
    care = monitor.Care(
        config,
        health,
        network.Pi(),
        monitor.Pi(),
        places,
        time.clock_gettime(time.CLOCK_BOOTTIME),
        monitor.wall_clock(),
        _say,
    )
    write_memory(places.memory, care.look(read_memory(places.memory)))
    return 0


def _say(text: str) -> None:
    """Tell whoever asked, or the journal: there it is a notice, above what each look says."""
    mark = "<5>" if "JOURNAL_STREAM" in os.environ else ""
    print(f"{mark}{text}", flush=True)


def _step(config: MonitorConfig, health: HealthConfig, name: str, side: str) -> int:
    if name in actions.SIDED and side not in actions.SIDES:
        print(f"pvs-bridge monitor: {name} needs a side: pvs or home", file=sys.stderr)
        return USAGE
    if name == "restart-unit" and not side:
        print("pvs-bridge monitor: restart-unit needs the name of a unit", file=sys.stderr)
        return USAGE
    failed = units.run(actions.commands(config, health, name, side))
    if failed:
        print(f"pvs-bridge monitor: {failed}", file=sys.stderr)
        return 1
    print(f"pvs-bridge monitor: {actions.words(name, side)}")
    return 0
