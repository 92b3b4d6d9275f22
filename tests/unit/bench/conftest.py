"""Measurements as a run of ``make bench-proxy`` may bring them."""

from __future__ import annotations

import dataclasses

import pytest
from bench.proxies.contenders import BRIDGE, CONTENDERS, NGINX, NOTHING, VARNISH, Contender
from bench.proxies.figures import Results
from bench.proxies.outcomes import Memory, Outcome, Seen, Timing
from bench.proxies.runs import SCENARIOS


def outcome(scenario: str, contender: Contender) -> Outcome:
    """Ten minutes in which nothing goes wrong."""
    return Outcome(
        scenario,
        contender,
        asked=20,
        failed=0,
        waited=(0.1, 6.5),
        oldest=29.0,
        seen=Seen(requests=1, at_once=1, restarts=0),
        memory=None if contender == NOTHING else Memory(14.0, 27.0),
    )


@pytest.fixture
def results() -> Results:
    """All is well, but that the source guide's PVS restarts."""
    names = [scenario.name for together in SCENARIOS for scenario in together]
    polling = [outcome(name, contender) for name in names for contender in CONTENDERS]
    restarted = Seen(requests=20, at_once=2, restarts=2)
    polling = [
        dataclasses.replace(each, failed=19, seen=restarted)
        if each.contender.name == "source guide"
        else each
        for each in polling
    ]
    shared = {NGINX.name: 0.2, VARNISH.name: 0.3, BRIDGE.name: 0.22}
    through = {each.name: 1.0 for each in CONTENDERS} | {NOTHING.name: 0.8}
    return Results(
        bursts=[outcome("32 at once", contender) for contender in CONTENDERS * 2],
        polling=polling,
        shared=[Timing("one connection each", shared)],
        encrypted=[Timing("kept", {f"{name}, {scheme}": 0.2 for name in (NGINX.name, BRIDGE.name)
                                   for scheme in ("HTTP", "HTTPS")})],  # fmt: skip
        passed_on=[Timing("one connection each", through)],
    )
