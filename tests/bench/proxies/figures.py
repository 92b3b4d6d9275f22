"""What the measurements come to: tables, and whether the wanted figures are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.proxies.contenders import BRIDGE, CONTENDERS, GUIDE, NGINX, NOTHING, VARNISH, Contender
from bench.proxies.outcomes import Outcome, Timing
from bench.proxies.runs import BURST, CACHE_SECONDS, DEVICE_LIST_SECONDS

from pvs_lab.figures import table

# What a person is promised.
_MOST_OVER_AN_ANSWER_SECONDS = 0.1
_MOST_SHARED_RATIO = 1.2
_MOST_ENCRYPTED_RATIO = 1.3
_MOST_PASSED_ON_RATIO = 1.1
_MOST_MEMORY_MIB = 25
# The PVS's clock has whole seconds, and what a busy machine loses counts fifteen times.
_AGE_SLACK_SECONDS = 5


@dataclass(frozen=True)
class Wanted:
    """A figure that should be there.

    Attributes:
        what: it, in words.
        found: what was measured.
        kept: whether it is there.
        promised: whether it must be, whatever machine this is.
    """

    what: str
    found: str
    kept: bool
    promised: bool = False


@dataclass(frozen=True)
class Results:
    """All that was measured.

    Attributes:
        bursts: every burst of every contender.
        polling: every scenario of every contender.
        shared: answers that a proxy had.
        passed_on: answers that it had to fetch.
        encrypted: answers that a proxy had, by HTTP and by HTTPS; the names have the scheme.
    """

    bursts: Sequence[Outcome]
    polling: Sequence[Outcome]
    shared: Sequence[Timing]
    passed_on: Sequence[Timing]
    encrypted: Sequence[Timing]

    def of(self, contender: Contender, scenario: str) -> Outcome:
        """One contender's ten minutes."""
        return next(
            each
            for each in self.polling
            if (each.contender, each.scenario) == (contender, scenario)
        )

    def bursts_of(self, contender: Contender) -> list[Outcome]:
        """One contender's bursts."""
        return [each for each in self.bursts if each.contender == contender]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that a share of all values is not above; None of none.

    Args:
        values: in ascending order.
        share: from 0 to 1.
    """
    if not values:
        return None
    return values[max(0, math.ceil(share * len(values)) - 1)]


def _seconds(value: float | None, places: int = 1) -> str:
    return "-" if value is None else f"{value:.{places}f} s"


def polling_table(outcomes: Sequence[Outcome]) -> str:
    """Ten minutes of polling, scenario by scenario."""
    head = ["programs", "proxy", "asked", "failed", "reached PVS", "at once", "restarts", "p50",
            "p99", "oldest", "PSS", "RSS"]  # fmt: skip
    rows: list[list[str]] = []
    for outcome in outcomes:
        if rows and rows[-1][0] != outcome.scenario:
            rows.append([])
        memory = outcome.memory
        rows.append(
            [
                outcome.scenario,
                outcome.contender.name,
                str(outcome.asked),
                str(outcome.failed),
                str(outcome.seen.requests),
                str(outcome.seen.at_once),
                str(outcome.seen.restarts),
                _seconds(percentile(outcome.waited, 0.5)),
                _seconds(percentile(outcome.waited, 0.99)),
                _seconds(outcome.oldest, 0) if outcome.waited else "-",
                f"{memory.pss:.1f}" if memory else "-",
                f"{memory.rss:.1f}" if memory else "-",
            ]
        )
    return table(head, rows)


def burst_table(results: Results) -> str:
    """The bursts: of each contender the worst."""
    head = ["burst", "proxy", "reached PVS", "at once", "restarts", "failed", "p50", "slowest"]
    rows = []
    for contender in CONTENDERS:
        tries = results.bursts_of(contender)
        waited = sorted(seconds for each in tries for seconds in each.waited)
        rows.append(
            [
                tries[0].scenario,
                contender.name,
                str(max(each.seen.requests for each in tries)),
                str(max(each.seen.at_once for each in tries)),
                str(max(each.seen.restarts for each in tries)),
                str(max(each.failed for each in tries)),
                _seconds(percentile(waited, 0.5), 3),
                _seconds(waited[-1] if waited else None, 3),
            ]
        )
    return table(head, rows)


def timing_table(timings: Sequence[Timing], base: str | None) -> str:
    """Medians of single requests.

    Args:
        timings: each kind of request.
        base: the contender that the others' surplus is measured from; None: no such column.
    """
    head = ["connections", "proxy", "median", *(["added"] if base else [])]
    rows: list[list[str]] = []
    for timing in timings:
        if rows:
            rows.append([])
        for name, milliseconds in timing.medians.items():
            row = [timing.name, name, f"{milliseconds:.3f} ms"]
            if base:
                added = milliseconds - timing.medians[base]
                row.append("-" if name == base else f"{added:.3f} ms")
            rows.append(row)
    return table(head, rows)


def wanted(results: Results) -> list[Wanted]:
    """All wanted figures; what a bridge promises first."""
    return [*_kept_by_the_bridge(results), *_seen_by_programs(results), *_costs(results)]


def _kept_by_the_bridge(results: Results) -> list[Wanted]:
    bursts = results.bursts_of(BRIDGE)
    most = max(each.seen.requests for each in bursts)
    failed = sum(each.failed for each in bursts)
    ours = [each for each in results.polling if each.contender == BRIDGE]
    eight = [each for each in ours if each.scenario == "8"]
    others = [each for each in ours if each.scenario != "8"]
    oldest = max(each.oldest for each in ours)
    return [
        Wanted(
            f"{BURST} programs at once cost the PVS one request, and none goes away empty",
            f"{most} at the most, {failed} failed",
            most == 1 and not failed,
            promised=True,
        ),
        _safe("8 programs: never two requests at once, no restart, no error", eight),
        _safe("the same with 1, 2 and 32 programs and with 4 questions", others),
        Wanted(
            f"no DeviceList is older than {CACHE_SECONDS} s when a program gets it",
            _seconds(oldest, 0),
            oldest <= CACHE_SECONDS + _AGE_SLACK_SECONDS,
            promised=True,
        ),
    ]


def _safe(what: str, outcomes: Sequence[Outcome]) -> Wanted:
    at_once = max(each.seen.at_once for each in outcomes)
    restarts = sum(each.seen.restarts for each in outcomes)
    failed = sum(each.failed for each in outcomes)
    found = f"{at_once} at once, {restarts} restarts, {failed} failed"
    return Wanted(what, found, at_once <= 1 and not restarts and not failed, promised=True)


def _seen_by_programs(results: Results) -> list[Wanted]:
    waited = [seconds for each in results.bursts_of(BRIDGE) for seconds in each.waited]
    slowest = max(waited, default=math.inf)
    limit = DEVICE_LIST_SECONDS + _MOST_OVER_AN_ANSWER_SECONDS
    guide = results.of(GUIDE, "8").seen.restarts
    figures = [
        Wanted(
            f"of the {BURST} none waits longer than for one answer of the PVS and 100 ms",
            _seconds(slowest, 3),
            slowest <= limit,
        ),
        Wanted("8 programs through the source guide restart the PVS", f"{guide} times", guide > 0),
    ]
    for timing in results.shared:
        fastest = min((NGINX, VARNISH), key=lambda each: timing.medians[each.name])
        ratio = timing.medians[BRIDGE.name] / timing.medians[fastest.name]
        figures.append(
            Wanted(
                f"a shared answer takes at most {_MOST_SHARED_RATIO} times that of "
                f"{fastest.name} ({timing.name})",
                f"{ratio:.2f} times",
                ratio <= _MOST_SHARED_RATIO,
            )
        )
    for timing in results.encrypted:
        ours, nginx = (
            timing.medians[f"{each.name}, HTTPS"] / timing.medians[f"{each.name}, HTTP"]
            for each in (BRIDGE, NGINX)
        )
        figures.append(
            Wanted(
                f"HTTPS takes at most {_MOST_ENCRYPTED_RATIO} times as long as HTTP ({timing.name})",
                f"{ours:.2f} times; nginx {nginx:.2f} times",
                ours <= _MOST_ENCRYPTED_RATIO,
            )
        )
    return figures


def _costs(results: Results) -> list[Wanted]:
    figures = []
    for timing in results.passed_on:
        direct, nginx, ours = (timing.medians[each.name] for each in (NOTHING, NGINX, BRIDGE))
        # No proxy adds nothing, but a busy machine may make it look so.
        ratio = (ours - direct) / max(nginx - direct, 0.001)
        figures.append(
            Wanted(
                f"passing a request on adds at most {_MOST_PASSED_ON_RATIO} times what nginx adds "
                f"({timing.name})",
                f"{ratio:.2f} times: {ours - direct:.2f} ms, the whole {ours / nginx:.2f} times",
                ratio <= _MOST_PASSED_ON_RATIO,
            )
        )
    held = [each.memory.pss for each in results.polling if each.contender == BRIDGE and each.memory]
    figures.append(
        Wanted(
            f"haproxy holds at most {_MOST_MEMORY_MIB} MiB",
            f"{max(held):.1f} MiB",
            max(held) <= _MOST_MEMORY_MIB,
        )
    )
    return figures


def wanted_list(figures: Sequence[Wanted]) -> str:
    """The wanted figures, each with its mark."""
    return "\n".join(
        f"{'kept    ' if each.kept else 'NOT kept'}  {each.what}: {each.found}" for each in figures
    )
