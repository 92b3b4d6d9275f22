"""``make bench-compat``: what the translation of the newer API costs, in time and in memory.

A simulated PVS of locked firmware and the service, each a process of its own, on this machine;
``ARCH=arm64`` weighs the service in a guest with the processor of a Pi as well. Ends with status 1
where a promise is not kept.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.translating.guest import weigh_in_guest
from bench.translating.rig import Rig, RigError, running
from bench.translating.weighing import Weights, weigh

_CACHED = 1000
_FRESH = 40
_FEW, _MANY = 12, 60

# What a person is promised.
_MOST_CACHED_MS = 5.0
_MOST_OVER_THE_PVS_MS = 100.0
_MOST_MIB = 45.0


@dataclass(frozen=True)
class _Fresh:
    """Medians of readings that were not cached, in ms.

    Attributes:
        panels: of the plant.
        pvs: of the PVS itself.
        through: of the same through the service.
    """

    panels: int
    pvs: float
    through: float

    @property
    def over(self) -> float:
        """What the service adds."""
        return self.through - self.pvs


def main() -> int:
    """Measure, print the tables, and return 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=["arm64"], help="weigh in a guest of this kind as well")
    options = parser.parse_args()
    try:
        return _measure(in_guest=options.arch is not None)
    except RigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _measure(*, in_guest: bool) -> int:
    print(f"load of this machine before: {os.getloadavg()[0]:.1f}\n", flush=True)
    cached = {panels: _cached(panels) for panels in (_FEW, _MANY)}
    print("shared DeviceList, each on a connection of its own")
    print("panels    median ms")
    for panels, milliseconds in cached.items():
        print(f"{panels:6} {milliseconds:12.2f}", flush=True)
    usual = [_fresh(panels, latency_scale=1.0) for panels in (_FEW, _MANY)]
    quick = [_fresh(panels, latency_scale=0.0) for panels in (_FEW, _MANY)]
    print("\nfresh DeviceList, median ms; below, of a PVS that takes no time beyond its work")
    print("panels      the PVS    through    added    added for each panel")
    for each in (*usual, *quick):
        print(
            f"{each.panels:6} {each.pvs:12.1f} {each.through:10.1f} {each.over:8.1f} "
            f"{each.over / each.panels:14.3f}",
            flush=True,
        )
    weights = list(_weights(in_guest=in_guest))
    print("\nmemory of the service, MiB (RSS, PSS, private)")
    print("machine    Python          at rest               after 300 readings of 60 panels")
    for where in weights:
        print(f"{where.machine:10} {where.python:10} {_shown(where)}", flush=True)
    print("\nTLS handshake with a key on P-256, both sides together, median ms")
    for where in weights:
        print(f"{where.machine:10} {where.handshake_ms:10.2f}", flush=True)
    few, many = usual
    kept = (
        (f"shared within {_MOST_CACHED_MS:g} ms", max(cached.values()) < _MOST_CACHED_MS),
        (
            f"fresh within the PVS's own time and {_MOST_OVER_THE_PVS_MS:g} ms",
            max(each.over for each in usual) < _MOST_OVER_THE_PVS_MS,
        ),
        (
            f"{_MANY} panels no slower for each than {_FEW}",
            many.over / many.panels <= few.over / few.panels,
        ),
        (f"within {_MOST_MIB:g} MiB", all(where.loaded.rss <= _MOST_MIB for where in weights)),
    )
    print()
    for what, is_kept in kept:
        print(f"wanted: {what}: {'kept' if is_kept else 'NOT kept'}")
    return 0 if all(is_kept for _, is_kept in kept) else 1


def _shown(weights: Weights) -> str:
    return "    ".join(
        f"{each.rss:6.1f} {each.pss:6.1f} {each.private:6.1f}"
        for each in (weights.idle, weights.loaded)
    )


def _weights(*, in_guest: bool) -> Iterator[Weights]:
    yield weigh()
    if in_guest:
        yield weigh_in_guest()


def _cached(panels: int) -> float:
    with running(panels, cache_seconds=600) as rig:
        rig.ask()
        return _median_ms(rig.ask() for _ in range(_CACHED))


def _fresh(panels: int, *, latency_scale: float) -> _Fresh:
    with running(panels, cache_seconds=0, latency_scale=latency_scale) as rig:
        rig.ask()
        pairs = [_pair(rig) for _ in range(_FRESH)]
    return _Fresh(
        panels, _median_ms(pvs for pvs, _ in pairs), _median_ms(through for _, through in pairs)
    )


def _pair(rig: Rig) -> tuple[float, float]:
    """Measure both in turn, so that what else this machine does meets both alike."""
    return rig.ask_pvs(), rig.ask()


def _median_ms(seconds: Iterator[float]) -> float:
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    sys.exit(main())
