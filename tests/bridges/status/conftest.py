"""Fixtures: the scenes, played once, a stage for them, and a browser before it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest
from bridges.status.browser import Browser, browser
from bridges.status.stage import Stage, stage
from unit.monitor.monitored import MonitoredBridge
from unit.status.scenes import SCENES, ZONE

from pvs_lab.process import wait_until

SIZES = {"phone": (390, 844), "small-phone": (320, 568), "desktop": (1280, 900)}
DRAWN = "return document.querySelector('#main > *, h1.bad') !== null"

Show = Callable[..., Browser]


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


@pytest.fixture
def show(chromium: Browser, shown: Stage, scenes: dict[str, MonitoredBridge]) -> Show:
    """Show a scene in a window."""

    def begin(scene: str | None, size: str = "phone", scheme: str = "light") -> Browser:
        shown.scene = scenes[scene] if scene else None
        chromium.dress(*SIZES[size], scheme)
        chromium.open(shown.url)
        if not wait_until(lambda: bool(chromium.run(DRAWN)), 10):
            pytest.fail("the page draws nothing")
        return chromium

    return begin
