"""The raw measurements, before they are counted and compared."""

from __future__ import annotations

import calendar
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.proxies.contenders import Contender


@dataclass(frozen=True)
class Seen:
    """What the PVS has seen.

    Attributes:
        requests: how many reached it.
        at_once: the most that it worked on at one time, of those that start a program there.
        restarts: how often it crashed.
    """

    requests: int
    at_once: int
    restarts: int


@dataclass(frozen=True)
class Memory:
    """What all of a proxy's processes hold, in MiB.

    Attributes:
        pss: what is shared by several processes counts once.
        rss: it counts for each.
    """

    pss: float
    rss: float


@dataclass(frozen=True)
class Outcome:
    """How programs have fared, and what it cost the PVS.

    Attributes:
        scenario: what was done.
        contender: by which proxy.
        asked: how often a program asked.
        failed: how often it got no DeviceList, or whatever it had asked for.
        waited: the seconds that each answer took, as long as they were in a house.
        oldest: the age of the oldest DeviceList that a program got, in a house's seconds.
        seen: what the PVS has seen.
        memory: what the proxy held in the end.
    """

    scenario: str
    contender: Contender
    asked: int
    failed: int
    waited: tuple[float, ...]
    oldest: float
    seen: Seen
    memory: Memory | None


@dataclass(frozen=True)
class Timing:
    """One kind of request, made thousands of times.

    Attributes:
        name: which kind.
        medians: the median in milliseconds by the contender's name.
    """

    name: str
    medians: dict[str, float]


def oldest(exchanges: Sequence[dict[str, Any]], clock_ahead: float, hurry: float) -> float:
    """How old the oldest DeviceList was when it arrived, by the PVS's clock and in its seconds.

    Args:
        exchanges: what :func:`bench.proxies.load.poll` returns.
        clock_ahead: see ``House.clock_ahead``.
        hurry: see ``House``.
    """
    ages = [
        clock_ahead + each["arrived"] * hurry - _seconds(each["stamp"])
        for each in exchanges
        if each["stamp"]
    ]
    return max(ages, default=0.0)


def _seconds(stamp: str) -> int:
    """Seconds since 1970 of a time as the PVS writes it, which is UTC."""
    return calendar.timegm(time.strptime(stamp, "%Y,%m,%d,%H,%M,%S"))
