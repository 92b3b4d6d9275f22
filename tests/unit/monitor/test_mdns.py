"""mDNS announces the PVS's serial number only if configured."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from unit.monitor.conftest import MakeBridge

from pvs_bridge.monitor.mdns import announcement
from pvs_bridge.pvs.devices import Supervisor


def test_the_announcement_is_the_pvs_s_own(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(announce_pvs=True)
    bridge.minutes(10)
    root = ET.fromstring(bridge.paths.mdns.read_text())  # noqa: S314 - our own
    service = root.find("service")
    assert service is not None
    assert [(each.tag, each.text) for each in service] == [
        ("type", "_pvs6._tcp"),
        ("port", "443"),
        ("txt-record", "serialnum=ZT210175000612B0042"),
    ]
    assert bridge.paths.mdns.stat().st_mode & 0o777 == 0o644
    assert len([text for text in bridge.log if "mDNS" in text]) == 1


def test_a_pvs_that_announces_itself_is_not_announced(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(announce_pvs=True)
    # Another PVS in the same home.
    bridge.announced = ("ZT210175000612B0043", "wlan0")
    bridge.minutes(6)
    assert bridge.paths.mdns.exists()
    bridge.announced = ("ZT210175000612B0042", "wlan0")
    bridge.minutes(6)
    assert not bridge.paths.mdns.exists()
    bridge.minutes(6)
    bridge.announced = None
    bridge.minutes(6)
    assert bridge.paths.mdns.exists()
    assert [text for text in bridge.log if "mDNS" in text] == [
        "mDNS announces the PVS's serial number (status_announce_pvs)",
        "mDNS no longer announces the PVS's serial number (status_announce_pvs)",
        "mDNS announces the PVS's serial number (status_announce_pvs)",
    ]


def test_the_pvs_is_not_announced_by_default(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.minutes(10)
    assert not bridge.paths.mdns.exists()


@pytest.mark.parametrize("serial", ["-", "", "A<B", "Z" * 40, "ZT 21"])
def test_an_invalid_serial_number_is_not_announced(serial: str) -> None:
    assert announcement(Supervisor("PVS6", serial, "", None), 80) is None


def test_a_pvs5_has_its_own_service_type() -> None:
    text = announcement(Supervisor("PVS5", "ZT12345678", "", None), 8000)
    assert text is not None
    assert "_pvs5._tcp" in text
    assert "<port>8000</port>" in text
