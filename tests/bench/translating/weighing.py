"""How much memory the service takes: at rest, and after a day's questions in a hurry.

A TLS handshake is timed beside it, because it depends on the processor too.

Run as a program, in a guest for example, it prints the figures as one line of JSON.
"""

from __future__ import annotations

import json
import platform
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.translating.handshake import handshake_ms
from bench.translating.rig import Rig, running

PANELS = 60
READINGS = 300
AT_ONCE = 16
MARK = "bench-compat:"


@dataclass(frozen=True)
class Weight:
    """Memory of one process in MiB.

    Attributes:
        rss: all of it that is in memory.
        pss: the same, with what other processes share counted in part.
        private: what would be free without it.
    """

    rss: float
    pss: float
    private: float


@dataclass(frozen=True)
class Weights:
    """A service's memory.

    Attributes:
        machine: where it was, as ``uname`` calls it.
        python: its version.
        idle: after its start, before the first reading.
        loaded: after many readings, with many programs at once.
        handshake_ms: the time of a TLS handshake.
    """

    machine: str
    python: str
    idle: Weight
    loaded: Weight
    handshake_ms: float


def weigh(readings: int = READINGS) -> Weights:
    """Start a service, weigh it, work with it, weigh it again."""
    with running(PANELS, cache_seconds=0, latency_scale=0) as rig:
        idle = weight_of(rig.service.pid)
        _work(rig, readings)
        return Weights(
            platform.machine(),
            platform.python_version(),
            idle,
            weight_of(rig.service.pid),
            handshake_ms(),
        )


def _work(rig: Rig, readings: int) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: rig.ask(), range(readings)))
    for target in ("?Command=Get_Comm", "?Command=Start", "/energy-storage-system/status"):
        rig.ask(f"/cgi-bin/dl_cgi{target}")


def weight_of(process: int) -> Weight:
    """Read what the kernel counts of a process."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    kib = {name: int(value) for name, value in re.findall(r"^(\w+): +([0-9]+) kB$", text, re.M)}
    private = kib["Private_Clean"] + kib["Private_Dirty"]
    return Weight(*(round(each / 1024, 1) for each in (kib["Rss"], kib["Pss"], private)))


def main() -> None:
    """Weigh, in a guest that has just been started."""
    # As on a Pi, where they are when a package is installed, what is imported is compiled before.
    weigh(readings=1)
    print(MARK, json.dumps(asdict(weigh())), flush=True)


if __name__ == "__main__":
    main()
