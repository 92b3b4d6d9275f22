"""``make bench-provision``: the time of the first run of site.yml, and of one that changes nothing.

Each run that changes nothing follows an ``ansible -m ping`` of the same hosts, which is the least
that Ansible needs, so that other work on this machine slows both. The figures are medians of three.
The PVS answers at once.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from pvs_lab import lifecycle
from pvs_lab.errors import LabError
from pvs_lab.options import LabOptions

_PROJECT = Path(__file__).resolve().parents[2]
_PROGRAMS = Path(sys.executable).parent
_NAMES = [f"bench-{number}" for number in range(1, 9)]
_COUNTS = (1, 4, 8)
_REPEATS = 3
# The requirements.
_MOST_PINGS = 5
_MOST_HOSTS_RATIO = 2.5
_LONGEST_COLD_SECONDS = 20
_RECAP = re.compile(r"^(bench-\d) .*ok=(\d+) +changed=(\d+) .*failed=(\d+)", re.MULTILINE)


def main() -> int:
    """Measure, print the table, and return 1 if a requirement is missed."""
    try:
        return _measure()
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        for name in _NAMES:
            lifecycle.down(name)


def _measure() -> int:
    print("starting the lab of the first bridge ...", flush=True)
    _up(_NAMES[0])
    cold, recap = _play(1)
    tasks, changed = recap[_NAMES[0]]
    print(f"cold run: {cold:.1f} s, {tasks} tasks, {changed} of them changed something", flush=True)
    for name in _NAMES[1:]:
        _up(name)
    print(f"provisioning the other {len(_NAMES) - 1} labs ...", flush=True)
    _play(len(_NAMES))
    pings: dict[int, float] = {}
    seconds: dict[int, float] = {}
    for count in _COUNTS:
        pairs = [(_ping(count), _second_run(count)) for _ in range(_REPEATS)]
        pings[count], seconds[count] = map(statistics.median, zip(*pairs, strict=True))
    print(f"\nrun that changes nothing (medians of {_REPEATS})\n")
    print("bridges    ping         run    ratio to ping    ratio to 1 bridge")
    for count in _COUNTS:
        print(
            f"{count:7} {pings[count]:6.1f} s {seconds[count]:9.1f} s"
            f" {seconds[count] / pings[count]:16.1f} {seconds[count] / seconds[1]:20.1f}"
        )
    print()
    met = [
        _meets("cold run", cold, _LONGEST_COLD_SECONDS, "s"),
        _meets("one bridge", seconds[1] / pings[1], _MOST_PINGS, "times its ping"),
        _meets("8 bridges", seconds[8] / seconds[1], _MOST_HOSTS_RATIO, "times one bridge"),
    ]
    return 0 if all(met) else 1


def _meets(name: str, found: float, most: float, unit: str) -> bool:
    """Print a figure beside its limit; return whether it is within."""
    met = found <= most
    print(f"{name}: {found:.1f} {unit}, must be at most {most}: {'met' if met else 'MISSED'}")
    return met


def _up(name: str) -> None:
    """Start a lab whose PVS answers at once."""
    lifecycle.down(name)
    options = LabOptions(name, "trixie", "networkmanager", ("--latency-scale", "0", "--daylight"))
    lifecycle.up(options, lambda line: print(f"  {line}", flush=True))


def _run(command: list[str], count: int) -> tuple[float, str]:
    """Run a program of Ansible's on the first bridges; seconds, and what it printed.

    Raises:
        LabError: it failed.
    """
    hosts = ",".join(_NAMES[:count])
    started = time.monotonic()
    done = subprocess.run(
        [str(_PROGRAMS / command[0]), "--inventory", "inventory/lab", *command[1:],
         "--limit", hosts],
        cwd=_PROJECT, env={**os.environ, "LAB": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LabError(f"{command[0]} failed:\n{done.stdout[-3000:]}", "read the lines above")
    return time.monotonic() - started, done.stdout


def _ping(count: int) -> float:
    return _run(["ansible", "pvs_bridges", "--become", "--module-name", "ping"], count)[0]


def _play(count: int) -> tuple[float, dict[str, tuple[int, int]]]:
    """Provision the first bridges; return the seconds, and the tasks and changes of each."""
    seconds, output = _run(["ansible-playbook", "ansible/site.yml"], count)
    return seconds, {name: (int(ok), int(new)) for name, ok, new, _ in _RECAP.findall(output)}


def _second_run(count: int) -> float:
    """Provision bridges again.

    Raises:
        LabError: one of them was changed.
    """
    seconds, recap = _play(count)
    if len(recap) != count or any(changed for _, changed in recap.values()):
        raise LabError(f"a second run changed something: {recap}", "run it again with ARGS=--diff")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
