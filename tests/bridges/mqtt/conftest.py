"""Fixtures: a broker of each Debian release, and the service beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bridges.mqtt.broker import (
    Broker,
    Service,
    Site,
    programs,
    running_house,
    stopped_at_the_end,
)
from unit.monitor.monitored import leave_room
from unit.mqtt.conftest import House

from proxy_rig.haproxy import RELEASES
from proxy_rig.world import namespace


@pytest.fixture(scope="session", params=RELEASES)
def root(request: pytest.FixtureRequest) -> Path:
    """The programs of each release: paho 1.6 and 2.1."""
    return programs(request.param)


@pytest.fixture
def site(root: Path, tmp_path: Path) -> Iterator[Site]:
    """An empty folder, and a network."""
    folder = tmp_path / "site"
    folder.mkdir()
    with namespace() as network:
        yield Site(root, folder, network)


@pytest.fixture
def broker(site: Site) -> Iterator[Broker]:
    """A broker that accepts everyone, not started."""
    made = Broker(site, "allow_anonymous true")
    with stopped_at_the_end(made):
        yield made


@pytest.fixture
def service(
    site: Site, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    """The service of a plant with three panels, not started."""
    leave_room(monkeypatch)
    house = tmp_path / "house"
    house.mkdir()
    made = Service(site, running_house(site, House(house)), broker)
    with stopped_at_the_end(made):
        yield made
