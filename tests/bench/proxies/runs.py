"""What is measured, and under which conditions."""

from __future__ import annotations

import contextlib
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.proxies.contenders import (
    BRIDGE,
    CONTENDERS,
    NGINX,
    PROGRAM_PATIENCE_SECONDS,
    VARNISH,
    Contender,
)
from bench.proxies.house import House, Load, build_house, program_address
from bench.proxies.outcomes import Outcome, Timing, oldest

from proxy_rig.workbench import Workbench

# Everything of the long runs is 15 times shorter than in a house: 30 s become 2, and haproxy
# counts the age of an answer in whole seconds.
HURRY = 15
MINUTES = 10
DEVICE_LIST_SECONDS = 6.5
INTERVAL_SECONDS = 30
CACHE_SECONDS = 30
_RESTART_SECONDS = 540
# Two programs never keep the same beat: each turn of theirs is a little early or late.
_UNEVENNESS = 0.1

BURST = 32
BURST_REPEATS = 3
_BURST_SECONDS_APART = 0.7

DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
QUESTIONS = (
    DEVICE_LIST,
    "/cgi-bin/dl_cgi?Command=Get_Comm",
    "/cgi-bin/dl_cgi?Command=GridProfileGet",
    "/cgi-bin/dl_cgi/supervisor/info",
)

# Crashes with two CGI programs at once: reports agree that requests side by side bring a PVS
# down, how many it takes is not published.
_WEAK = ("--crash-in-flight", "1")

Report = Callable[[str], None]


@dataclass(frozen=True)
class Scenario:
    """Programs that poll for ten minutes.

    Attributes:
        programs: how many.
        questions: what they ask, in turn; one program always asks the same.
    """

    programs: int
    questions: tuple[str, ...] = (DEVICE_LIST,)

    @property
    def name(self) -> str:
        """As the tables have it."""
        several = len(self.questions) > 1
        return (
            f"{self.programs}, {len(self.questions)} questions" if several else f"{self.programs}"
        )


MIXED = Scenario(8, QUESTIONS)
# Side by side run those that leave two cores idle.
SCENARIOS = ((Scenario(1), Scenario(2)), (Scenario(8), MIXED), (Scenario(32),))


def beats(scenario: Scenario, minutes: float) -> list[dict[str, Any]]:
    """When each program asks what: the same for all proxies, different for all programs.

    Args:
        scenario: which programs.
        minutes: how long they ask, as time goes in a house.
    """
    plan = []
    end = minutes * 60 / HURRY
    for number in range(scenario.programs):
        chance = random.Random(f"program {number}")  # noqa: S311 - no secret
        beat = INTERVAL_SECONDS / HURRY
        moments = [chance.uniform(0, beat)]
        while moments[-1] < end:
            moments.append(moments[-1] + beat * chance.uniform(1 - _UNEVENNESS, 1 + _UNEVENNESS))
        question = scenario.questions[number % len(scenario.questions)]
        plan.append(
            {"source": program_address(number), "target": question, "moments": moments[:-1]}
        )
    return plan


def _outcome(
    scenario: str, contender: Contender, house: House, load: Load, hurry: float
) -> Outcome:
    exchanges = load.result()
    good = [each for each in exchanges if each["status"] == 200 and not each["problem"]]
    return Outcome(
        scenario,
        contender,
        asked=len(exchanges),
        failed=len(exchanges) - len(good),
        waited=tuple(sorted(each["seconds"] * hurry for each in good)),
        oldest=oldest(good, house.clock_ahead(), hurry),
        seen=house.seen(),
        memory=house.memory(contender),
    )


def polling(bench: Workbench, report: Report) -> list[Outcome]:
    """Have programs poll through each proxy for ten minutes of a house's time.

    Args:
        bench: where the proxies come from.
        report: called with a line to show.
    """
    outcomes = []
    for together in SCENARIOS:
        names = " and of ".join(scenario.name for scenario in together)
        report(f"polling for {MINUTES} minutes, {HURRY} times faster: programs of {names} ...")
        outcomes += _poll_together(bench, together)
    order = [scenario.name for together in SCENARIOS for scenario in together if scenario != MIXED]
    order.append(MIXED.name)
    return sorted(outcomes, key=lambda outcome: order.index(outcome.scenario))


def _poll_together(bench: Workbench, scenarios: Sequence[Scenario]) -> list[Outcome]:
    scaled = ["--latency-seconds", str(DEVICE_LIST_SECONDS), "--latency-scale", str(1 / HURRY),
              "--restart-seconds", str(_RESTART_SECONDS / HURRY)]  # fmt: skip
    with contextlib.ExitStack() as stack:
        houses = []
        for scenario in scenarios:
            for contender in CONTENDERS:
                house = stack.enter_context(build_house(bench, HURRY, *_WEAK, *scaled))
                house.add(contender, 80, CACHE_SECONDS // HURRY)
                houses.append((scenario, contender, house))
        for _, _, house in houses:
            house.wait()
        loads = [
            house.poll(contender, beats(scenario, MINUTES), PROGRAM_PATIENCE_SECONDS / HURRY)
            for scenario, contender, house in houses
        ]
        return [
            _outcome(scenario.name, contender, house, load, HURRY)
            for (scenario, contender, house), load in zip(houses, loads, strict=True)
        ]


def bursts(bench: Workbench, report: Report) -> list[Outcome]:
    """Have 32 programs ask at once for what no proxy has yet, at a PVS's own pace, three times.

    Args:
        bench: where the proxies come from.
        report: called with a line to show.
    """
    report(f"{BURST} programs at once, {BURST_REPEATS} times, as slow as a PVS is ...")
    plan = [
        {"source": program_address(number), "target": DEVICE_LIST, "moments": [0.0]}
        for number in range(BURST)
    ]
    slow = ["--latency-seconds", str(DEVICE_LIST_SECONDS)]
    with contextlib.ExitStack() as stack:
        houses = []
        for contender in CONTENDERS * BURST_REPEATS:
            house = stack.enter_context(build_house(bench, 1, *_WEAK, *slow))
            house.add(contender, 80, CACHE_SECONDS)
            houses.append((contender, house))
        for _, house in houses:
            house.wait()
        loads = []
        for contender, house in houses:
            loads.append(house.poll(contender, plan, PROGRAM_PATIENCE_SECONDS))
            # The others wait for their answer meanwhile: this one has the cores to itself.
            time.sleep(_BURST_SECONDS_APART)
        return [
            _outcome(f"{BURST} at once", contender, house, load, 1)
            for (contender, house), load in zip(houses, loads, strict=True)
        ]


_ROUNDS = 40
_SHARED_COUNT = 50
# HTTP and HTTPS take turns, so that both see the same machine.
_PARTS = 8
_UNCACHED_COUNT = 15


def shared_answers(bench: Workbench, report: Report) -> list[Timing]:
    """How long an answer takes that a proxy has: DeviceList, 2000 times, one after another.

    Args:
        bench: where the proxies come from.
        report: called with a line to show.
    """
    report(f"{_ROUNDS * _SHARED_COUNT} shared answers of each proxy, in turn ...")
    caching = (NGINX, VARNISH, BRIDGE)
    return _sequences(bench, caching, CACHE_SECONDS, DEVICE_LIST, _SHARED_COUNT)


def encrypted_answers(bench: Workbench, report: Report) -> Timing:
    """How long an answer takes that a proxy has, by HTTP and by HTTPS, on kept connections.

    Args:
        bench: where the proxies come from.
        report: called with a line to show.
    """
    report(f"{_ROUNDS * _SHARED_COUNT} shared answers by HTTP and by HTTPS, in turn ...")
    both = (NGINX, BRIDGE)
    took: dict[str, list[float]] = {}
    with build_house(bench, 1, "--latency-seconds", "0") as house:
        for port, contender in enumerate(both, 80):
            house.add(contender, port, CACHE_SECONDS)
        house.wait()
        for scheme, encrypted in (("HTTP", False), ("HTTPS", True)) * _PARTS:
            load = house.sequence(both, DEVICE_LIST, rounds=_ROUNDS // _PARTS, count=_SHARED_COUNT,
                                  keep_alive=True, encrypted=encrypted)  # fmt: skip
            for name, seconds in load.result().items():
                took.setdefault(f"{name}, {scheme}", []).extend(seconds)
    medians = {name: statistics.median(seconds) * 1000 for name, seconds in took.items()}
    return Timing("a kept connection", medians)


def passed_on(bench: Workbench, report: Report) -> list[Timing]:
    """How long a request takes that nothing is shared of, at a PVS that answers at once.

    Args:
        bench: where the proxies come from.
        report: called with a line to show.
    """
    report(f"{_ROUNDS * _UNCACHED_COUNT} answers through each proxy, none shared, in turn ...")
    start = "/cgi-bin/dl_cgi?Command=Start"
    return _sequences(bench, CONTENDERS, 0, start, _UNCACHED_COUNT)


def _sequences(
    bench: Workbench, contenders: Sequence[Contender], cache_seconds: int, target: str, count: int
) -> list[Timing]:
    with build_house(bench, 1, "--latency-seconds", "0") as house:
        for port, contender in enumerate(contenders, 80):
            house.add(contender, port, cache_seconds)
        house.wait()
        timings = []
        for name, keep_alive in (("one connection each", False), ("a kept connection", True)):
            load = house.sequence(
                contenders, target, rounds=_ROUNDS, count=count, keep_alive=keep_alive
            )
            measured = load.result()
            medians = {name: statistics.median(took) * 1000 for name, took in measured.items()}
            timings.append(Timing(name, medians))
        return timings
