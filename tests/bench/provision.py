"""``make bench-provision``: how long it takes to make a bridge, and to find that it is one.

Everything is measured in one run on this machine, beside the floor that Ansible itself sets:
``ansible -m ping`` over the same hosts. Medians of three; the PVS answers at once.
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
# What a person is promised: see the README's figures.
_MOST_FLOORS = 8
_MOST_HOSTS_RATIO = 4
_RECAP = re.compile(r"^(bench-\d) .*ok=(\d+) +changed=(\d+) .*failed=(\d+)", re.MULTILINE)


def main() -> int:
    """Measure, print the table, and return 1 where a promise is not kept."""
    try:
        return _measure()
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        for name in _NAMES:
            lifecycle.down(name)


def _measure() -> int:
    print("bringing up the first bridge's lab ...", flush=True)
    _up(_NAMES[0])
    cold, recap = _play(1)
    tasks, changed = recap[_NAMES[0]]
    print(f"cold run: {cold:.1f} s, {tasks} tasks, {changed} of them changed something", flush=True)
    for name in _NAMES[1:]:
        _up(name)
    print(f"making the other {len(_NAMES) - 1} labs' Pis bridges ...", flush=True)
    _play(len(_NAMES))
    floors, seconds = {}, {}
    for count in _COUNTS:
        floors[count] = statistics.median(_ping(count) for _ in range(_REPEATS))
        seconds[count] = statistics.median(_second_run(count) for _ in range(_REPEATS))
    print("\nsecond run, nothing to change (medians of 3)\n")
    print("bridges    ping    second run    ratio to ping    ratio to 1 bridge")
    for count in _COUNTS:
        print(
            f"{count:7} {floors[count]:6.1f} s {seconds[count]:11.1f} s"
            f" {seconds[count] / floors[count]:16.1f} {seconds[count] / seconds[1]:20.1f}"
        )
    kept = (
        seconds[1] <= _MOST_FLOORS * floors[1]
        and seconds[_COUNTS[-1]] <= _MOST_HOSTS_RATIO * seconds[1]
    )
    print(
        f"\nwanted: one bridge within {_MOST_FLOORS} times its ping, "
        f"8 bridges within {_MOST_HOSTS_RATIO} times one: {'kept' if kept else 'NOT kept'}"
    )
    return 0 if kept else 1


def _up(name: str) -> None:
    """Bring a lab up whose PVS needs no time to answer."""
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
    """Provision the first bridges; seconds, and each one's number of tasks and of changes."""
    seconds, output = _run(["ansible-playbook", "ansible/site.yml"], count)
    return seconds, {name: (int(ok), int(new)) for name, ok, new, _ in _RECAP.findall(output)}


def _second_run(count: int) -> float:
    """Provision bridges that are bridges already.

    Raises:
        LabError: one of them was changed.
    """
    seconds, recap = _play(count)
    if len(recap) != count or any(changed for _, changed in recap.values()):
        raise LabError(f"a second run changed something: {recap}", "run it again with ARGS=--diff")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
