"""The files of the history: one for each month, with one line for each day.

A file is replaced as a whole, so a power cut leaves the old one or the new one. A line that is
damaged anyway is moved to a file beside it, and the other lines stay.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.history.day import Day, LineError, line_of, read_line

FOLDER = Path("/var/lib/pvs-bridge-monitor/history")
_MONTH = "[0-9][0-9][0-9][0-9]-[0-9][0-9]"
_MODE = 0o640


def months(folder: Path) -> list[Path]:
    """Return the files, the oldest first; none if the folder does not exist."""
    return sorted(folder.glob(f"{_MONTH}.jsonl"))


def read(path: Path) -> tuple[list[Day], list[bytes]]:
    """Return the days of a file, the oldest first, and its damaged lines.

    Raises:
        OSError: The file cannot be read.
    """
    days: dict[tuple[str, int], Day] = {}
    damaged = []
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            day = read_line(line)
        except LineError:
            damaged.append(line)
            continue
        days[day.day, day.start] = day
    return [days[key] for key in sorted(days)], damaged


def last(folder: Path, count: int) -> list[Day]:
    """Return the last days, the oldest first; at most those of two months.

    Raises:
        OSError: A file cannot be read.
    """
    return [day for path in months(folder)[-2:] for day in read(path)[0]][-count:]


def add(folder: Path, new: Iterable[Day]) -> list[str]:
    """Add days; one that is already there is replaced.

    Returns:
        a sentence about each file that had damaged lines.

    Raises:
        OSError: A file cannot be read or written. It is unchanged.
    """
    folder.mkdir(mode=0o750, exist_ok=True)
    sentences = []
    with _locked(folder):
        for month, days in groupby(sorted(new, key=lambda day: day.day), lambda day: day.month):
            path = folder / f"{month}.jsonl"
            before, damaged = read(path) if path.exists() else ([], [])
            sentences += _set_aside(path, damaged)
            _write(path, [*before, *days])
    return sentences


def repair(folder: Path) -> list[str]:
    """Move damaged lines aside, and return a sentence about each file that had some.

    Raises:
        OSError: A file cannot be read or written. It is unchanged.
    """
    sentences = []
    for path in months(folder):
        with _locked(folder):
            days, damaged = read(path)
            if damaged:
                sentences += _set_aside(path, damaged)
                _write(path, days)
    return sentences


def _set_aside(path: Path, damaged: list[bytes]) -> list[str]:
    if not damaged:
        return []
    aside = path.with_suffix(".damaged")
    before = aside.read_bytes() if aside.exists() else b""
    new = [line.rstrip(b"\n") + b"\n" for line in damaged]
    # A power cut before the good lines are written brings the same lines again.
    atomic.write(aside, before + b"".join(line for line in new if line not in before), _MODE)
    lines = "1 damaged line" if len(damaged) == 1 else f"{len(damaged)} damaged lines"
    return [f"the history of {path.stem} had {lines}, kept in {aside}; the other days are good"]


def _write(path: Path, days: Iterable[Day]) -> None:
    by_key = {(day.day, day.start): day for day in days}
    atomic.write(path, b"".join(line_of(by_key[key]) for key in sorted(by_key)), _MODE)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from writing: an import by hand beside the monitor."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
