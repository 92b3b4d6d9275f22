"""What the services need of an idle Pi, with the roles mqtt and notify."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from nightly.wear.counted import CountedPi

Record = Callable[[str, object], None]

# haproxy 18, compat 29, mqtt 17, status 14: the imports of aiohttp alone need 22.
_MOST_PSS_MIB = 85
_MOST_PROCESSOR_PERCENT = 1
_IDLE_SECONDS = 300
# The memory of each service, by the shares of its processes. The monitor runs for a few seconds in
# a minute.
_WEIGH = r"""python3 -I -c '
import glob, json, pathlib
found = {}
for unit in ("haproxy", "pvs-bridge-*"):
    for folder in glob.glob(f"/sys/fs/cgroup/system.slice/{unit}.service"):
        kib = 0
        for process in pathlib.Path(folder, "cgroup.procs").read_text().split():
            for line in pathlib.Path("/proc", process, "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kib += int(line.split()[1])
        if kib:
            found[pathlib.Path(folder).name] = kib
print(json.dumps(found))'"""
# Services that have ended are in the sum too.
_PROCESSOR = "sed -n 's/^usage_usec //p' /sys/fs/cgroup/system.slice/cpu.stat"
_EXPECTED = {
    "haproxy.service",
    *(f"pvs-bridge-{each}.service" for each in ("compat", "mqtt", "status")),
}


def test_the_services_need_little_memory_and_time_of_the_processor(
    counted: CountedPi, record_property: Record
) -> None:
    before, began = int(counted.work(_PROCESSOR)), time.monotonic()
    time.sleep(_IDLE_SECONDS)
    used_seconds = (int(counted.work(_PROCESSOR)) - before) / 1e6
    percent = 100 * used_seconds / (time.monotonic() - began)
    record_property("% of one processor, with all services of Debian", round(percent, 2))
    weights: dict[str, int] = json.loads(counted.work(_WEIGH))
    weights.pop("pvs-bridge-monitor.service", None)
    for name, kib in weights.items():
        record_property(f"PSS in MiB, {name}", round(kib / 1024, 1))
    total_mib = sum(weights.values()) / 1024
    record_property("PSS in MiB, all", round(total_mib, 1))
    assert weights.keys() >= _EXPECTED
    assert total_mib <= _MOST_PSS_MIB
    assert percent <= _MOST_PROCESSOR_PERCENT
