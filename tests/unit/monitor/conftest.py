"""Fixtures: a monitored bridge, and its time zone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.monitor.monitored import MonitoredBridge, leave_room

ROLE = Path(__file__).resolve().parents[3] / "roles/monitor"

MakeBridge = Callable[..., MonitoredBridge]


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the free space of the card."""
    leave_room(monkeypatch)


@pytest.fixture
def make_bridge(tmp_path: Path) -> MakeBridge:
    """Make a monitored bridge, with any keys of monitor.json."""

    def begin(**chosen: Any) -> MonitoredBridge:  # noqa: ANN401 - any key
        return MonitoredBridge(tmp_path, **chosen)

    return begin


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the time zone."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
