"""Runs on the Pi: writes onto its card all that a bridge writes, without a rest.

Each event is acknowledged on the console when it is said to be on the card; the console is a
file of the machine that the Pi's plug does not reach.

usage: writer.py FOLDER CONSOLE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, "/usr/local/lib/pvs-bridge")

from pvs_bridge.history import store
from pvs_bridge.history.day import Day
from pvs_bridge.monitor import events, saved_day
from pvs_bridge.monitor.energy import Energy
from pvs_bridge.monitor.production import Point

_POINTS = [Point(float(each), 6000) for each in range(288)]
_ENERGY = Energy(start=1, read=300.0, panels={f"E{number:014}": 1.5 for number in range(60)})
# The journal may take them or drop them; they must not push out anything.
_LINES_OF_A_FLOOD = 200
# On its way to the card when the plug is pulled: it need not be there.
_UNSAVED = b"x" * 1024 * 1024


def _last_number(path: Path) -> int:
    """The number of the last event that is on the card; 0 if there is none."""
    lines = path.read_text().splitlines() if path.exists() else []
    return int(json.loads(lines[-1])["text"]) if lines else 0


def main() -> None:
    """Write until the plug is pulled."""
    folder, console = (Path(each) for each in sys.argv[1:])
    folder.mkdir(exist_ok=True)
    record = folder / "events.jsonl"
    number = _last_number(record)
    while True:
        number += 1
        event = events.Event("warning", str(number), None, number)
        events.append(record, event, events.Quota())
        console.write_text(f"\nwritten down: {number}.\n")
        day = saved_day.SavedDay(_POINTS, _ENERGY)
        saved_day.save(folder / "day.json", day, now=300.0, wall=1e9)
        store.add(folder / "history", [Day("2026-06-21", number % 30, 0, number)])
        (folder / "unsaved").write_bytes(_UNSAVED)
        for line in range(_LINES_OF_A_FLOOD):
            print(f"a program that has lost its mind says {line}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
