"""Fixtures: labs with a provisioned bridge, one for each backend."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from bridges.rollback.bridge import Bridge

Made = Callable[[str, str, str], contextlib.AbstractContextManager[Bridge]]

PIS = (pytest.param("trixie-networkmanager", marks=pytest.mark.slow), "bookworm-dhcpcd")
# Answers soon, at noon.
_SIMULATOR = "--simulator=--latency-seconds 0.5 --clock 2026-06-21T20:00:00Z"


@pytest.fixture(scope="session")
def lab_of() -> Made:
    """Bring up a lab of a name, a release and a backend, for as long as a ``with`` lasts."""

    @contextlib.contextmanager
    def up(name: str, release: str, backend: str) -> Iterator[Bridge]:
        bridge = Bridge(name)
        bridge.command("up", f"--release={release}", f"--backend={backend}", _SIMULATOR)
        try:
            yield bridge
        finally:
            bridge.command("down")

    return up


@pytest.fixture(scope="session", params=PIS)
def bridge(request: pytest.FixtureRequest) -> Iterator[Bridge]:
    """A bridge; each test restores its state."""
    release, backend = request.param.split("-")
    made = Bridge(f"t-rollback-{release}")
    try:
        made.up_provisioned(release, backend, {}, _SIMULATOR)
        # The proxy's configuration names the lab, which the golden bridge does not know.
        made.good_run({})
        yield made
    finally:
        made.command("down")
