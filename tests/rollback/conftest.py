"""Fixtures: labs with a provisioned bridge, one for each backend."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from rollback.bridge import Bridge

Made = Callable[[str, str, str], contextlib.AbstractContextManager[Bridge]]

PIS = (pytest.param("bookworm-networkmanager", marks=pytest.mark.slow), "bookworm-dhcpcd")
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
def bridge(request: pytest.FixtureRequest, lab_of: Made) -> Iterator[Bridge]:
    """A bridge; each test restores its state."""
    release, backend = request.param.split("-")
    with lab_of(f"t-rollback-{backend}", release, backend) as made:
        made.good_run({})
        # What ran before it was a bridge has left its settings in the kernel.
        made.reboot()
        # Its addresses come when it has started everything.
        made.until(lambda: _has_addresses(made), 60)
        yield made


def _has_addresses(bridge: Bridge) -> bool:
    """Return whether the Pi has an IPv4 address on both sides."""
    found = bridge.state().addresses
    return {"eth0", "wlan0"} <= {name for name, address, _ in found if ":" not in address}
