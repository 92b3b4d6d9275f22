"""Fixtures: the owner of a bridge, in a time zone with summer time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.notify.owner import Owner


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the time zone of the status page."""
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def make_owner(tmp_path: Path) -> Callable[..., Owner]:
    """Make an owner, with any keys of notify.json."""

    def make(**chosen: Any) -> Owner:  # noqa: ANN401 - any key
        return Owner(tmp_path, **chosen)

    return make


@pytest.fixture
def owner(make_owner: Callable[..., Owner]) -> Owner:
    """Return an owner with the defaults of the role."""
    return make_owner()
