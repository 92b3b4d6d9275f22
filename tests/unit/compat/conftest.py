"""Fixtures: simulated PVSs, and compat services for them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.compat.running import Compat, config_for

from pvs_bridge.compat import new_api, old_api, service, session, single_flight
from pvs_sim import Options, Settings, Simulator
from pvs_sim.clock import parse_instant
from pvs_sim.options import specs

NOON = parse_instant("2025-06-15T20:00:00Z")
ROLE = Path(__file__).resolve().parents[3] / "roles/compat"

Boot = Callable[..., Simulator]
Serve = Callable[..., Compat]


@pytest.fixture
def boot() -> Iterator[Boot]:
    """Start PVSs that stop with the test; by default locked, at noon, without latency."""
    with contextlib.ExitStack() as stack:

        def start(**chosen: Any) -> Simulator:  # noqa: ANN401 - any option or setting
            # haproxy speaks TLS to the PVS; without it, the service asks by HTTP.
            settings: dict[str, Any] = {
                "latency_seconds": 0.0,
                "keepalive_seconds": 30.0,
                "http_api": "on",
            }
            options: dict[str, Any] = {
                "firmware": 61846,
                "clock": NOON,
                "clock_scale": 0.0,
                "https_port": None,
                "websocket_port": None,
            }
            for name, value in chosen.items():
                (settings if name in specs(Settings) else options)[name] = value
            return stack.enter_context(Simulator(Options(**options, settings=Settings(**settings))))

        yield start


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start services that stop with the test, with any key of the configuration."""
    with contextlib.ExitStack() as stack:
        count = 0

        def start(pvs: Simulator | str, **chosen: Any) -> Compat:  # noqa: ANN401 - any key
            nonlocal count
            count += 1
            folder = tmp_path / f"compat-{count}"
            folder.mkdir()
            url = pvs if isinstance(pvs, str) else pvs.http_url
            return stack.enter_context(Compat(config_for(url, folder, **chosen)))

        yield start


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read everything each time, so that a test need not wait for 5 minutes."""
    for module in (new_api, old_api):
        monkeypatch.setattr(module, "WHOLE_SECONDS", 0.0)


@pytest.fixture
def as_on_a_bridge(monkeypatch: pytest.MonkeyPatch, whole: None) -> None:  # noqa: ARG001 - before
    """Read everything every 5 minutes."""
    for module in (new_api, old_api):
        monkeypatch.setattr(module, "WHOLE_SECONDS", 300.0)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses."""
    monkeypatch.setattr(session, "AFTER_500_SECONDS", 0.0)
    monkeypatch.setattr(single_flight, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(session, "FIRST_PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(service, "POLL_SECONDS", 0.05)


@pytest.fixture
def role() -> Path:
    """Return the role's folder."""
    return ROLE
