"""What an idle day writes to the card, counted at the disk.

A day is not waited for. Ten minutes show what goes on all the time; what the clock starts is
started once and counted for itself, and so is the renewal of leases.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from nightly.wear.counted import CountedPi

Record = Callable[[str, object], None]

_MOST_MIB = 6
_IDLE_SECONDS = 600
_DAY_SECONDS = 86400
_SINCE = "/run/pvs-bridge-wear-since"
_CLOCK = "/var/lib/systemd/timesync"
# A whole day's readings, and an hour since they were last written onto the card.
_CARE = """python3 -c '
import json
path = "/run/pvs-bridge-monitor/state.json"
state = json.load(open(path))
state["points"] = [[state["checked"] - each / 100, 6000] for each in range(288, 0, -1)]
state["saved"] -= 3600
json.dump(state, open(path, "w"))' && systemctl start pvs-bridge-monitor"""
# As the DHCP clients do, for both networks.
_LEASES = (
    "for file in $(find /var/lib -name '*.lease'); do cp $file $file.new; mv $file.new $file; done"
)
# What is done again and again, and how often in a day. No day of the year is light for longer; a
# lease is one of twelve hours, as home routers have them, and renewed after half of its time.
_AGAIN = {
    "what the plant made": (_CARE, 17),
    "leases renewed": (_LEASES, 4),
    # As systemd-timesyncd does, which sets no clock in a container.
    "systemd's time": (f"mkdir -p {_CLOCK} && touch {_CLOCK}/clock", 24),
    "fake-hwclock's time": ("fake-hwclock save", 24),
}
# Begins every hour; its service is in _AGAIN.
_HOURLY = "fake-hwclock-save.timer"
# These are what the ten minutes are for, or are counted above, or have a test of their own.
_NOT_DAILY = {
    "pvs-bridge-monitor.timer", "pvs-bridge-wifi-guard.timer", _HOURLY,
    "apt-daily.timer", "apt-daily-upgrade.timer",
}  # fmt: skip


def daily(pi: CountedPi) -> list[str]:
    """What the clock starts once a day, or more rarely."""
    # Also what only a container skips. Behind a timer that is masked stands no service.
    listed = pi.work("systemctl list-timers --all --no-legend --plain --no-pager")
    ends = [line.split()[-2:] for line in listed.splitlines()]
    return sorted(
        service
        for timer, service in ends
        if service.endswith(".service") and timer not in _NOT_DAILY
    )


def idle_kib(pi: CountedPi) -> float:
    """How much the idle Pi writes."""
    pi.work(f"systemctl stop {_HOURLY} && touch {_SINCE}")
    before = pi.written_kib()
    time.sleep(_IDLE_SECONDS)
    return pi.written_kib() - before


def test_an_idle_day_writes_less_than_six_mebibytes(
    counted: CountedPi, record_property: Record
) -> None:
    def noted(name: str, kib: float) -> float:
        record_property(f"KiB, {name}", kib)
        return kib

    def again(command: str) -> float:
        """What it writes when it is not the first time."""
        counted.work(command)
        return counted.kib_of(command)

    kib = 0.0
    jobs = daily(counted)
    assert "logrotate.service" in jobs
    for service in jobs:
        kib += noted(f"{service}, a day", again(f"systemctl start {service}"))
    for name, (command, times) in _AGAIN.items():
        once = noted(f"{name}, {times} times a day", again(command))
        assert once > 0, name
        kib += once * times
    kib += noted("ten minutes", idle_kib(counted)) * _DAY_SECONDS / _IDLE_SECONDS
    noted("an idle day", round(kib))
    assert kib < _MOST_MIB * 1024, counted.work(f"find / -xdev -cnewer {_SINCE}")
