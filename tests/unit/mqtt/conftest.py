"""Fixtures: the status document of a plant, and what the MQTT service makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.monitored import MonitoredBridge, leave_room
from unit.status.test_document import made

from pvs_bridge.config import MqttConfig
from pvs_bridge.mqtt.messages import Publisher, topics_of

ROLE = Path(__file__).resolve().parents[3] / "roles/mqtt"
CONFIG = MqttConfig(
    host="broker.home.arpa",
    port=1883,
    user="",
    password="",
    tls=False,
    ca="",
    base_topic="pvs_bridge",
    discovery_prefix="homeassistant",
    name="garage",
    page_url="http://garage.local/bridge/",
)
NIGHT = {"STATE": "error", "p_3phsum_kw": None, "ltea_3phsum_kwh": None, "t_htsnk_degc": None}


class House:
    """A bridge with its monitor, and the broker's memory as the service keeps it.

    Attributes:
        devices: What the PVS lists.
        bridge: The bridge.
        publisher: The service's own; a new one after restart().
    """

    def __init__(self, folder: Path) -> None:
        """Start the Pi."""
        self.devices: list[dict[str, Any]] = make_devices()
        self.devices[2] |= {"pos_ltea_3phsum_kwh": "4000.5", "neg_ltea_3phsum_kwh": "2500.25"}
        self.bridge = MonitoredBridge(folder)
        self.publisher = Publisher(topics_of(CONFIG), CONFIG)
        self.later_seconds = 0.0

    @property
    def panels(self) -> list[dict[str, Any]]:
        """The panels in the PVS's list."""
        return [each for each in self.devices if each["DEVICE_TYPE"] == "Inverter"]

    def read(self, minutes: int = 5) -> dict[str, Any]:
        """Let time pass, with a reading, and return all messages by topic."""
        for _ in range(minutes):
            # The second one is for the status of a battery.
            plant = make_reply(body=make_body(self.devices))
            self.bridge.probe.answers = [plant, make_reply(503, b"")]
            self.bridge.minutes(1)
        return self.messages()

    def messages(self) -> dict[str, Any]:
        """Return the messages of now, which the broker retains."""
        written = self.publisher.messages(made(self.bridge, self.later_seconds))
        self.publisher.retained.update(written)
        return {topic: json.loads(each) if each else None for topic, each in written.items()}

    def restart(self) -> None:
        """Restart the service; the broker has what it retained."""
        retained = self.publisher.retained
        self.publisher = Publisher(topics_of(CONFIG), CONFIG)
        self.publisher.load(retained)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Make a house at noon, after the first reading."""
    leave_room(monkeypatch)
    made_house = House(tmp_path)
    made_house.read(1)
    return made_house
