"""Fixtures: a bridge that is looked after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.care.monitored import MonitoredBridge, leave_room

ROLE = Path(__file__).resolve().parents[3] / "roles/monitor"

MakeBridge = Callable[..., MonitoredBridge]


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave room on the card."""
    leave_room(monkeypatch)


@pytest.fixture
def make_bridge(tmp_path: Path) -> MakeBridge:
    """Begin to look after a bridge; each key of care.json may be chosen."""

    def begin(**chosen: Any) -> MonitoredBridge:  # noqa: ANN401 - any key
        return MonitoredBridge(tmp_path, **chosen)

    return begin
