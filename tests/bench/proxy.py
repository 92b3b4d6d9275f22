"""``make bench-proxy``: pvs-bridge beside what else could stand between a house and its PVS.

The same simulated PVS, which takes 6.5 s for a DeviceList and crashes when it works on two requests
at once, behind nothing, behind haproxy as the source guide has it, behind nginx, behind Varnish and
behind this bridge: one after the other's figures stand in one table. Ends with status 1 where
pvs-bridge breaks a promise; figures that hang on the machine are only reported.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.proxies import chart, runs
from bench.proxies.contenders import NOTHING
from bench.proxies.figures import (
    Results,
    burst_table,
    polling_table,
    timing_table,
    wanted,
    wanted_list,
)
from bench.proxies.house import BenchError

from proxy_rig.workbench import Workbench
from pvs_lab.errors import LabError

_PICTURE = Path(__file__).with_suffix(".svg")


def main() -> int:
    """Measure, print the tables, draw the picture; return 1 where a promise is not kept."""
    try:
        return _measure()
    except (BenchError, LabError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _report(line: str) -> None:
    print(f"  {line}", flush=True)


def _measure() -> int:
    started = time.monotonic()
    bench = Workbench()
    results = Results(
        bursts=runs.bursts(bench, _report),
        polling=runs.polling(bench, _report),
        shared=runs.shared_answers(bench, _report),
        passed_on=runs.passed_on(bench, _report),
        encrypted=[runs.encrypted_answers(bench, _report)],
    )
    figures = wanted(results)
    _PICTURE.write_text(chart.draw(chart.groups(results)))
    print(
        f"\n{runs.MINUTES} minutes of programs that ask every {runs.INTERVAL_SECONDS} s, in a "
        f"house's seconds, each {runs.HURRY} times shorter here; memory in MiB\n\n"
        f"{polling_table(results.polling)}\n\n"
        f"{runs.BURST} programs at once, in real seconds, the worst of {runs.BURST_REPEATS}\n\n"
        f"{burst_table(results)}\n\n"
        "a DeviceList that the proxy has\n\n"
        f"{timing_table(results.shared, None)}\n\n"
        "the same by HTTP and by HTTPS, which nginx ends too\n\n"
        f"{timing_table(results.encrypted, None)}\n\n"
        "a request that it passes on, to a PVS that answers at once\n\n"
        f"{timing_table(results.passed_on, NOTHING.name)}\n\n"
        f"wanted\n\n{wanted_list(figures)}\n\n"
        f"{_PICTURE.name} shows the same; all of it took {time.monotonic() - started:.0f} s"
    )
    return 0 if all(each.kept for each in figures if each.promised) else 1


if __name__ == "__main__":
    sys.exit(main())
