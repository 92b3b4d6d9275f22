"""pvs-bridge history: copy the history of the panels to another card, or to a spreadsheet."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pvs_bridge.history import store
from pvs_bridge.history.day import Day, LineError, line_of, read_line
from pvs_bridge.history.totals import PERIODS, csv_of

USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "import":
            return _import(options.folder, options.file)
        return _export(options.folder, options.csv)
    except PermissionError as error:
        print(f"pvs-bridge history: {error}. Hint: run it with sudo", file=sys.stderr)
        return USAGE
    except OSError as error:
        print(f"pvs-bridge history: {error}", file=sys.stderr)
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pvs-bridge history",
        description=__doc__.partition(": ")[2].capitalize() if __doc__ else None,
        epilog="Exit status: 0 done; 1 the file has damaged lines, and the other ones were copied; "
        "2 wrong usage, or a file cannot be read or written.",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=store.FOLDER,
        metavar="FOLDER",
        help="the folder of the history (default: %(default)s)",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    export = commands.add_parser("export", help="write the whole history to the standard output")
    export.add_argument(
        "--csv", choices=PERIODS, help="as a table of days, months or years, without power curves"
    )
    add = commands.add_parser(
        "import", help="add the days of an export; the same days are replaced"
    )
    add.add_argument("file", help="what export has written; - for the standard input")
    return parser


def _export(folder: Path, period: str | None) -> int:
    damaged = 0

    def days() -> Iterator[Day]:
        nonlocal damaged
        for path in store.months(folder):
            good, bad = store.read(path)
            damaged += len(bad)
            yield from good

    if period:
        sys.stdout.write(csv_of(days(), period))
    else:
        for day in days():
            sys.stdout.write(line_of(day).decode())
    if damaged:
        print(f"pvs-bridge history: {damaged} damaged lines are left out", file=sys.stderr)
    return 1 if damaged else 0


def _import(folder: Path, name: str) -> int:
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    days, damaged = [], []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            days.append(read_line(line))
        except LineError as error:
            damaged.append(f"{name} line {number}: {error}")
    if folder.parent.exists():
        # The status service reads the history by its group.
        os.setegid(folder.parent.stat().st_gid)
    for sentence in [*(store.add(folder, days) if days else []), *damaged]:
        print(f"pvs-bridge history: {sentence}", file=sys.stderr)
    print(f"pvs-bridge history: {len(days)} days added")
    return 1 if damaged else 0
