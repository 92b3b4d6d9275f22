"""Fixtures: the scenes, played once, a stage for them, and a browser before it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from bridges.status.browser import Browser, browser
from bridges.status.stage import Stage, stage
from unit.monitor.monitored import MonitoredBridge
from unit.status.scenes import SCENES, ZONE


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, MonitoredBridge]]:
    """Every scene, as it is at its end."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = ZONE
    time.tzset()
    folder = tmp_path_factory.mktemp("scenes")
    yield {name: play(folder / name) for name, play in SCENES.items()}
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.fixture(scope="session")
def shown() -> Iterator[Stage]:
    """The page, at an address."""
    with stage() as made:
        yield made


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser."""
    with browser(ZONE) as made:
        yield made
