"""Fixtures for the tests of the simulated PVS."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pvs_sim import Options, Settings, Simulator
from pvs_sim.client import Answer, fetch
from pvs_sim.clock import parse_instant
from pvs_sim.options import specs

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = parse_instant("2025-01-15T20:00:00Z")


@pytest.fixture
def boot() -> Iterator[Callable[..., Simulator]]:
    """Start simulators that stop with the test; without more said: noon, frozen, no latency."""
    with contextlib.ExitStack() as stack:

        def start(**chosen: Any) -> Simulator:  # noqa: ANN401 - any option or setting
            # HTTP for both APIs, because a test that is not about TLS need not wait for it.
            settings: dict[str, Any] = {
                "latency_seconds": 0.0,
                "keepalive_seconds": 30.0,
                "http_api": "on",
            }
            options: dict[str, Any] = {"clock": NOON, "clock_scale": 0.0, "https_port": None}
            for name, value in chosen.items():
                (settings if name in specs(Settings) else options)[name] = value
            return stack.enter_context(Simulator(Options(**options, settings=Settings(**settings))))

        yield start


@pytest.fixture
def ask() -> Callable[..., Answer]:
    """Ask a simulator's old API for a command by HTTP, with more parameters by keyword."""

    def command(sim: Simulator, name: str, **more: str) -> Answer:
        query = "&".join(f"{key}={value}" for key, value in {"Command": name, **more}.items())
        return fetch(f"{sim.http_url}/cgi-bin/dl_cgi?{query}")

    return command
