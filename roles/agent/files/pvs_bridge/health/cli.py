"""pvs-bridge health: name the broken link between PVS and home, or show the plant."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.config import ConfigError, HealthConfig, is_number, read_config
from pvs_bridge.health.checks import check
from pvs_bridge.health.text import WIDTH, plant_text, report_data, report_text, verdict_text
from pvs_bridge.host.network import LocalProbe
from pvs_bridge.host.sensors import read_mqtt_issue
from pvs_bridge.pvs.devices import AnswerError, plant_data, read_devices, read_plant
from pvs_bridge.text import as_ascii

HEALTHY, UNHEALTHY, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status = _devices(options) if options.devices else _check(options)
        sys.stdout.flush()
    except ConfigError as error:
        print(f"pvs-bridge health: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # the reader, such as head, has exited
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge health",
        description="Check every link between the PVS and the home network and show the plant. "
        "Asks the PVS for one device list, which takes it several seconds.",
        epilog="Exit status: 0 healthy, 1 a link is broken, 2 wrong usage or configuration.",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    how.add_argument("--quiet", action="store_true", help="print nothing unless a link is broken")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("/etc/pvs-bridge/health.json"),
        metavar="FILE",
        help="interfaces, addresses and timeout (default: %(default)s)",
    )
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long a network that has just changed may take to come up (default: 0)",
    )
    parser.add_argument(
        "--devices",
        metavar="FILE",
        help="check nothing: show the plant in a saved device list (- for standard input)",
    )
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not is_number(value, 0, 3600):
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 3600, got {text!r}")
    return value


def _check(options: argparse.Namespace) -> int:
    report = check(read_config(options.config, HealthConfig), LocalProbe(), options.wait)
    report = dataclasses.replace(report, broker=read_mqtt_issue(Path("/")))
    if options.json:
        print(json.dumps(report_data(report), indent=2))
    elif options.quiet:
        if not report.healthy:
            _print(verdict_text(report, WIDTH))
    else:
        terminal = sys.stdout.isatty()
        width = shutil.get_terminal_size((WIDTH, 24)).columns if terminal else WIDTH
        _print(report_text(report, width, colours=terminal and "NO_COLOR" not in os.environ))
    return HEALTHY if report.healthy else UNHEALTHY


def _devices(options: argparse.Namespace) -> int:
    name = options.devices
    try:
        body = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"--devices: {error}") from error
    try:
        plant = read_plant(read_devices(body))
    except AnswerError as error:
        print(f"pvs-bridge health: not a valid device list: {error}", file=sys.stderr)
        return UNHEALTHY
    if options.json:
        print(json.dumps(plant_data(plant), indent=2))
    elif not options.quiet:
        _print(plant_text(plant))
    return HEALTHY


def _print(text: str) -> None:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        text = as_ascii(text)
    print(text)
