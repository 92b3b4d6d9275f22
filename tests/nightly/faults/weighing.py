"""Weighs what the project adds to a Pi, on the Pi itself, while it is idle.

``weighing.py SECONDS UNIT...`` prints an object of JSON: ``mib``, by unit, the most memory that its
processes had (PSS, which counts once what several share), ``cpu_seconds``, what all have used, and
``seconds``, how long was looked.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_STEP_SECONDS = 0.5
_GROUPS = Path("/sys/fs/cgroup/system.slice")


def pss_mib(unit: str) -> float:
    """The memory of a unit's processes."""
    kib = 0
    with contextlib.suppress(OSError):
        for pid in (_GROUPS / unit / "cgroup.procs").read_text().split():
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


def runs(units: Sequence[str]) -> dict[str, float]:
    """By the run of a unit, the processor's seconds that it has used."""
    shown = subprocess.run(
        ["systemctl", "show", "--property=Id,InvocationID,CPUUsageNSec", *units],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = {}
    for block in shown.strip().split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        with contextlib.suppress(ValueError):
            used = int(values["CPUUsageNSec"])
            # What says that it does not know says the largest number.
            if used < 2**63:
                found[f"{values['Id']} {values['InvocationID']}"] = used / 1e9
    return found


def main() -> None:
    """Weigh, and print."""
    seconds, units = float(sys.argv[1]), sys.argv[2:]
    started = time.monotonic()
    before = runs(units)
    seen = dict(before)
    most = dict.fromkeys(units, 0.0)
    while time.monotonic() < started + seconds:
        most = {unit: max(mib, pss_mib(unit)) for unit, mib in most.items()}
        seen.update(runs(units))
        time.sleep(_STEP_SECONDS)
    used = sum(now - before.get(run, 0.0) for run, now in seen.items())
    lasted = time.monotonic() - started
    print(json.dumps({"mib": most, "cpu_seconds": used, "seconds": lasted}))


if __name__ == "__main__":
    main()
