"""What a day on which nobody asks anything writes to the card: counted at the disk.

A day is not waited for. Ten minutes show what goes on all the time; what the clock starts is
started once and counted for itself.
"""

from __future__ import annotations

import json
import time
from typing import Callable

from wear.pi import WornPi

Record = Callable[[str, object], None]

_MOST_MIB = 5
_IDLE_SECONDS = 600
_DAY_SECONDS = 86400
_HOURS = 24
_SINCE = "/run/pvs-bridge-wear-since"
# A whole day's readings, and an hour since they were last written onto the card.
_CARE = """python3 -c '
import json
path = "/run/pvs-bridge-care/state.json"
state = json.load(open(path))
state["points"] = [[state["looked"] - each / 100, 6000, 12345.678] for each in range(288, 0, -1)]
state["saved"] -= 3600
json.dump(state, open(path, "w"))' && systemctl start pvs-bridge-care"""
_EVERY_HOUR = {
    "what the plant made": _CARE,
    # As systemd-timesyncd does, which the lab has no time for.
    "systemd's time": "touch /var/lib/systemd/timesync/clock",
    "fake-hwclock's time": "systemctl start fake-hwclock-save",
}
# These are what the ten minutes are for, or begin every hour, or have a test of their own.
_NOT_DAILY = (
    "pvs-bridge-care.timer", "pvs-bridge-wifi-guard.timer", "fake-hwclock-save.timer",
    "apt-daily.timer", "apt-daily-upgrade.timer",
)  # fmt: skip


def kib_of(bridge: WornPi, command: str) -> float:
    """How much a command has the Pi write."""
    before = bridge.written_kib()
    bridge.work(command)
    return bridge.written_kib() - before


def daily(bridge: WornPi) -> list[str]:
    """What the clock starts once a day, or more rarely."""
    timers = json.loads(bridge.work("systemctl list-timers --all --output=json"))
    return sorted(each["activates"] for each in timers if each["unit"] not in _NOT_DAILY)


def idle_kib(bridge: WornPi) -> float:
    """How much the Pi writes while nobody asks anything of it."""
    bridge.work(f"touch {_SINCE}")
    began, before = bridge.uptime_seconds(), bridge.written_kib()
    while bridge.uptime_seconds() < began + _IDLE_SECONDS:
        time.sleep(30)
    return bridge.written_kib() - before


def test_an_idle_day_writes_less_than_five_mebibytes(
    bridge: WornPi, record_property: Record
) -> None:
    def noted(name: str, kib: float) -> float:
        record_property(f"{name}, KiB", kib)
        return kib

    kib = 0.0
    for service in daily(bridge):
        kib += noted(service, kib_of(bridge, f"systemctl start {service}"))
    for name, command in _EVERY_HOUR.items():
        kib += _HOURS * noted(f"{name}, an hour", kib_of(bridge, command))
    kib += noted("ten idle minutes", idle_kib(bridge)) * _DAY_SECONDS / _IDLE_SECONDS
    record_property("an idle day, MiB", round(kib / 1024, 2))
    assert kib / 1024 < _MOST_MIB, bridge.work(f"find / -xdev -newer {_SINCE} -type f")
