"""Fixtures: Home Assistant, mosquitto and the MQTT service in one network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridges.mqtt.broker import (
    PORT,
    Broker,
    Service,
    Site,
    programs,
    running_house,
    stopped_at_the_end,
)
from nightly.home_assistant.home_assistant import HomeAssistant
from unit.monitor.monitored import leave_room
from unit.mqtt.conftest import House

from proxy_rig.world import Namespace, namespace


@pytest.fixture(scope="module")
def network() -> Iterator[Namespace]:
    """A network that all of them share."""
    with namespace() as made:
        yield made


@pytest.fixture(scope="module")
def service(network: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service of a plant with three panels, connected to a broker."""
    folder = tmp_path_factory.mktemp("home-assistant")
    for name in ("site", "house"):
        (folder / name).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        leave_room(patch)
        site = Site(programs("trixie"), folder / "site", network)
        broker = Broker(site, "allow_anonymous true")
        made = Service(site, running_house(site, House(folder / "house")), broker)
        with stopped_at_the_end(made, broker):
            broker.start()
            made.start()
            made.wait_until_it_works()
            yield made


@pytest.fixture(scope="module")
def home_assistant(network: Namespace, service: Service) -> Iterator[HomeAssistant]:
    """Home Assistant with that broker."""
    del service
    made = HomeAssistant(network)
    try:
        made.start()
        made.add_mqtt(PORT)
        yield made
    finally:
        made.stop()
