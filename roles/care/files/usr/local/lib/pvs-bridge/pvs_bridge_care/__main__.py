#!/usr/bin/python3 -I
"""pvs-bridge-care: looks after the bridge, or takes one step of the ladder by hand."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# As a command, -I leaves the package's own folder off the path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pvs_bridge_care import look, steps
from pvs_bridge_care.config import Config, read_config
from pvs_bridge_care.memory import read_memory, write_memory
from pvs_bridge_health import chain

USAGE = 2
_FOLDER = Path("/etc/pvs-bridge")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        config = read_config(options.folder / "care.json")
        health = chain.read_config(options.folder / "health.json")
    except chain.ConfigError as error:
        print(f"pvs-bridge-care: {error}", file=sys.stderr)
        return USAGE
    try:
        if options.command == "step":
            return _step(config, health, options.name, options.side)
        return _look(config, health)
    except PermissionError as error:
        print(f"pvs-bridge-care: {error}; run it by sudo", file=sys.stderr)
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge-care",
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
    step.add_argument("name", choices=steps.NAMES, help="which one")
    step.add_argument(
        "side",
        nargs="?",
        default="",
        help="of the chain: pvs or home; with restart-unit, the unit's name",
    )
    return parser


def _look(config: Config, health: chain.Config) -> int:
    places = look.Places()
    care = look.Care(
        config,
        health,
        chain.Pi(),
        look.Pi(),
        places,
        time.clock_gettime(time.CLOCK_BOOTTIME),
        look.wall_clock(),
        _say,
    )
    write_memory(places.memory, care.look(read_memory(places.memory)))
    return 0


def _say(text: str) -> None:
    """Tell whoever asked, or the journal: there it is a notice, above what each look says."""
    mark = "<5>" if "JOURNAL_STREAM" in os.environ else ""
    print(f"{mark}{text}", flush=True)


def _step(config: Config, health: chain.Config, name: str, side: str) -> int:
    if name in steps.SIDED and side not in steps.SIDES:
        print(f"pvs-bridge-care: {name} needs a side: pvs or home", file=sys.stderr)
        return USAGE
    if name == "restart-unit" and not side:
        print("pvs-bridge-care: restart-unit needs the name of a unit", file=sys.stderr)
        return USAGE
    failed = steps.run(steps.commands(config, health, name, side))
    if failed:
        print(f"pvs-bridge-care: {failed}", file=sys.stderr)
        return 1
    print(f"pvs-bridge-care: {steps.words(name, side)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
