#!/usr/bin/python3 -I
"""pvs-bridge-health: say which link between PVS and home is broken, or show the plant."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# As a command, -I leaves the package's own folder off the path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pvs_bridge_health.chain import (
    BROKEN,
    LINKS,
    OK,
    ConfigError,
    Pi,
    Report,
    check,
    read_config,
)
from pvs_bridge_health.plant import (
    WIDTH,
    AnswerError,
    as_ascii,
    plant_data,
    plant_text,
    read_devices,
    read_plant,
)

HEALTHY, UNHEALTHY, USAGE = 0, 1, 2
NARROWEST = 40
COLOURS = {OK: "32", BROKEN: "31"}
OTHER_COLOUR = "33"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status = _devices(options) if options.devices else _check(options)
        sys.stdout.flush()
    except ConfigError as error:
        print(f"pvs-bridge-health: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # head and the like have seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge-health",
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
        help="give a network that has just been changed so long to settle (default: 0)",
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
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 3600")
    return value


def _check(options: argparse.Namespace) -> int:
    report = check(read_config(options.config), Pi(), options.wait)
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
        print(f"pvs-bridge-health: not a good device list: {error}", file=sys.stderr)
        return UNHEALTHY
    if options.json:
        print(json.dumps(plant_data(plant), indent=2))
    elif not options.quiet:
        _print(plant_text(plant))
    return HEALTHY


def report_data(report: Report) -> dict[str, Any]:
    """Return the report as --json prints it; roles/health/README.md describes the keys."""
    broken = report.broken
    return {
        "healthy": report.healthy,
        "broken_link": broken.name if broken else None,
        "outcome": broken.outcome if broken else None,
        "problem": report.problem,
        "cure": report.cure,
        "chain": [
            {
                "link": link.name,
                "title": LINKS[link.name],
                "state": link.state,
                "seen": link.seen,
                "outcome": link.outcome,
            }
            for link in report.chain
        ],
        "interface": report.interface,
        "note": report.note,
        "plant": plant_data(report.plant) if report.plant else None,
        "proxy_port": report.config.proxy_port,
        "proxy_serves_home": report.config.proxy_serves_home,
        "seconds": report.seconds,
        "text": report_text(report, WIDTH),
    }


def report_text(report: Report, width: int, *, colours: bool = False) -> str:
    """Return chain and verdict, then the plant if there is one."""
    width = max(NARROWEST, min(width, 100))
    parts = [chain_text(report, width, colours=colours), verdict_text(report, width)]
    if report.healthy and report.plant:
        parts.append(plant_text(report.plant))
    return "\n\n".join(parts)


def chain_text(report: Report, width: int, *, colours: bool = False) -> str:
    """Return the chain as a table; what was seen is wrapped in its own column."""
    first = max(len(title) for title in LINKS.values())
    second = len("unknown")
    last = width - first - second - 4
    lines = [
        f"{'Link':<{first}}  {'State':<{second}}  Seen",
        f"{'─' * first}  {'─' * second}  {'─' * last}",
    ]
    for link in report.chain:
        state = f"{link.state:<{second}}"
        if colours:
            state = f"\x1b[{COLOURS.get(link.state, OTHER_COLOUR)}m{state}\x1b[0m"
        seen = textwrap.wrap(link.seen, last) or [""]
        lines.append(f"{LINKS[link.name]:<{first}}  {state}  {seen[0]}".rstrip())
        lines += [" " * (first + second + 4) + more for more in seen[1:]]
    return "\n".join(lines)


def verdict_text(report: Report, width: int) -> str:
    """Return problem and cure, or that all is well and for whom."""
    if report.problem is None or report.cure is None:
        healthy = f"Healthy, checked in {report.seconds:.1f} s."
        return "\n".join([healthy, *_filled([("Note:", report.note)], width)])
    return "\n".join(_filled([("Problem:", report.problem), ("Cure:", report.cure)], width))


def _filled(said: Sequence[tuple[str, str | None]], width: int) -> list[str]:
    return [
        textwrap.fill(text, width, initial_indent=f"{name:<9}", subsequent_indent=" " * 9)
        for name, text in said
        if text is not None
    ]


def _print(text: str) -> None:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        text = as_ascii(text)
    print(text)


if __name__ == "__main__":
    sys.exit(main())
