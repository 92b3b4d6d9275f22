"""The lab's commands, as ``make lab-...`` calls them."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pvs_lab import enter, golden, lifecycle
from pvs_lab.errors import LabError
from pvs_lab.options import (
    BACKENDS,
    DEFAULT_BACKEND,
    RELEASES,
    LabOptions,
    split_simulator_options,
)
from pvs_lab.paths import lab_dir
from pvs_lab.topology import Topology


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    chosen = _parser().parse_args(arguments)
    action: Callable[[argparse.Namespace], int] = chosen.action
    try:
        return action(chosen)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing of it is left running", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pvs_lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, action: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--lab", default="lab", metavar="NAME", help="default: %(default)s")
        one.set_defaults(action=action)
        return one

    one = add("up", _up, "bring a lab up: a PVS, a home and a Pi that is not yet a bridge")
    one.add_argument("--release", default="trixie", metavar="|".join(RELEASES))
    one.add_argument("--backend", default="", metavar="|".join(BACKENDS))
    one.add_argument("--simulator", default="", metavar="OPTIONS", help="for python3 -m pvs_sim")
    one.add_argument(
        "--topology", default="{}", metavar="JSON", help="fields of pvs_lab.topology that differ"
    )
    one.add_argument("--radio", action="store_true", help="a Pi with a radio, as a guest of QEMU")
    one.add_argument(
        "--packages", default="", metavar="NAMES", help="more Debian packages on its card"
    )
    one.add_argument(
        "--card", type=Path, metavar="FILE", help="boot this card as it was flashed; writes to it"
    )
    one.add_argument(
        "--card-mib", type=int, default=0, metavar="N", help="room for what the Pi writes; 0: any"
    )
    one.add_argument(
        "--provisioned", nargs="?", const="{}", metavar="JSON",
        help="a Pi that ansible/site.yml has made a bridge already, with these variables",
    )  # fmt: skip
    one.add_argument("--no-wait", action="store_true", help="do not wait until the Pi has booted")
    add("down", _down, "end a lab and remove all of it")
    add("list", _list, "name the labs that are up")
    add("status", _status, "say what a lab is and what of it has failed; an error if not up")
    one = add("run", _run, "run a shell command on a host; its output alone, its exit status")
    one.add_argument("host")
    one.add_argument("shell_command")
    one = add("exec", _exec, "become a program on a host; for ssh's ProxyCommand and the like")
    one.add_argument("host")
    one.add_argument("command", nargs=argparse.REMAINDER)
    one = add("power", _power, "pull the Pi's plug, or push it in")
    one.add_argument("state", choices=["off", "on"])
    one = add("cable", _cable, "pull a cable of the Pi, or push it in")
    one.add_argument("side", choices=["pvs", "home"])
    one.add_argument("position", choices=["in", "out"])
    one = add("pvs", _pvs, "switch the PVS off or on, its cable still in")
    one.add_argument("state", choices=["off", "on"])
    return parser


def _up(chosen: argparse.Namespace) -> int:
    started = time.monotonic()
    options = LabOptions(
        name=chosen.lab,
        release=chosen.release,
        backend=chosen.backend or DEFAULT_BACKEND,
        simulator_arguments=split_simulator_options(chosen.simulator),
        topology=Topology.from_json(chosen.topology),
        radio=chosen.radio or chosen.card is not None,
        more_packages=tuple(chosen.packages.split()),
        card=chosen.card,
        card_mib=chosen.card_mib,
    )
    if chosen.provisioned is not None:
        variables = _variables(chosen.provisioned)
        options = dataclasses.replace(options, layers=golden.provide(options, variables, _report))
    lifecycle.up(options, _report, wait=not chosen.no_wait)
    print(
        f"lab '{options.name}' is up: {options.release}, {options.backend} "
        f"({time.monotonic() - started:.1f} s)"
    )
    return 0


def _report(line: str) -> None:
    print(f"  {line}", flush=True)


def _variables(text: str) -> dict[str, Any]:
    """Read the variables of a golden bridge.

    Raises:
        LabError: the text must be a JSON object.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise LabError(
            f"--provisioned must be a JSON object of variables, got {text!r}",
            "write them as '{\"proxy_cache_seconds\": 2}', or leave them out",
        )
    return found


def _down(chosen: argparse.Namespace) -> int:
    found = lifecycle.down(chosen.lab)
    print(f"lab '{chosen.lab}' {'is gone' if found else 'was not up'}")
    return 0


def _list(_: argparse.Namespace) -> int:
    for name in lifecycle.running():
        lab = lifecycle.describe(name)
        about = lab.card or (" radio" if lab.radio else "")
        print(f"{name:20} {lab.release:10} {lab.backend} {about}".rstrip())
    return 0


def _status(chosen: argparse.Namespace) -> int:
    lab = lifecycle.describe(chosen.lab)
    found = lifecycle.command(chosen.lab, "status")
    power = "off" if found["bridge_leader"] is None else "on"
    print(f"lab '{chosen.lab}': {lab.release}, {lab.backend}, the bridge's power is {power}")
    for name in found["dead"]:
        print(f"  {name} has ended; see {lab_dir(chosen.lab)}/log/{name}.log")
    return 1 if found["dead"] else 0


def _run(chosen: argparse.Namespace) -> int:
    shell = ["sh", "-c", chosen.shell_command]
    command = enter.command_on(chosen.lab, chosen.host, shell)
    status = subprocess.run(command, check=False).returncode
    # As a shell says that a signal has ended a command.
    return status if status >= 0 else 128 - status


def _exec(chosen: argparse.Namespace) -> int:
    command = enter.command_on(chosen.lab, chosen.host, chosen.command)
    os.execvp(command[0], command)


def _power(chosen: argparse.Namespace) -> int:
    lifecycle.command(chosen.lab, f"power-{chosen.state}")
    if chosen.state == "on":
        lifecycle.wait_for_pi(chosen.lab)
    return 0


def _cable(chosen: argparse.Namespace) -> int:
    lifecycle.command(chosen.lab, "cable", chosen.side, chosen.position)
    return 0


def _pvs(chosen: argparse.Namespace) -> int:
    lifecycle.command(chosen.lab, f"pvs-{chosen.state}")
    return 0
