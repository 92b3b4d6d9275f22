"""Panels and meters that the PVS has listed before are missed, not forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.conftest import MakeBridge
from unit.monitor.monitored import CONFIG, MonitoredBridge

from pvs_bridge.host.sensors import read_vitals
from pvs_bridge.monitor.warnings import warnings
from pvs_bridge.pvs.devices import read_plant


def read(bridge: MonitoredBridge, devices: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - a state
    """Run the monitor until it has asked the PVS, which answers with these devices."""
    bridge.probe.answers = []
    for _ in range(6):
        bridge.now += 60
        if not bridge.probe.answers:
            bridge.probe.answers = [make_reply(body=make_body(devices))]
        bridge.run()
    return bridge.state


def warning(bridge: MonitoredBridge, name: str) -> dict[str, Any] | None:
    """Return an active warning."""
    return next((each for each in bridge.state.warnings if each["name"] == name), None)


def restarted(panels: int, uptime: int = 900) -> list[dict[str, Any]]:
    """Return the list of a PVS that has restarted, with some of its panels."""
    devices = make_devices(panels)
    devices[0]["dl_uptime"] = str(uptime)
    return devices


def test_panels_missing_after_a_restart_are_a_warning_until_they_return(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge()
    read(bridge, make_devices(21))
    assert warning(bridge, "devices_missing") is None
    state = read(bridge, restarted(8))
    found = warning(bridge, "devices_missing")
    assert found is not None
    assert found["problem"].startswith("13 of 23 known panels and meters are missing")
    assert "Do not restart it again" in found["hint"]
    states = [each["state"] for each in state.plant["panels"]]
    assert (states.count("working"), states.count("missing")) == (8, 13)
    assert state.plant["total"]["panels"] == 21
    read(bridge, restarted(21))
    assert warning(bridge, "devices_missing") is None
    assert [each["kind"] for each in bridge.events] == ["pvs", "warning", "cleared"]


def test_no_panels_at_all_is_not_healthy(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    read(bridge, make_devices(21))
    asked = bridge.asked
    state = read(bridge, restarted(0))
    answer = next(link for link in state.links if link["link"] == "answer")
    assert (answer["state"], answer["outcome"]) == ("broken", "no_panels")
    assert warning(bridge, "devices_missing") is not None
    # The PVS is not asked more often, and nothing is restarted.
    assert bridge.asked - asked <= 2
    bridge.minutes(1)
    assert bridge.host.did == []


def test_devices_that_vanish_without_a_restart_need_one(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    read(bridge, restarted(5, uptime=9 * 86400))
    devices = [each for each in restarted(5, 9 * 86400) if each.get("TYPE") != "PVS5-METER-C"]
    read(bridge, devices)
    found = warning(bridge, "devices_missing")
    assert found is not None
    assert found["problem"].startswith("1 of 7 known")
    assert "breaker" in found["hint"]
    assert "SunVault" in found["hint"]


def test_missing_entries_of_the_compat_service_are_missing_too(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    read(bridge, make_devices(3))
    devices = make_devices(3)
    devices[-1] |= {"STATE": "error", "STATEDESCR": "Missing"}
    state = read(bridge, devices)
    found = warning(bridge, "devices_missing")
    assert found is not None
    assert found["problem"].startswith("1 of 5 known")
    assert [each["state"] for each in state.plant["panels"]] == ["working", "working", "missing"]


def test_they_are_known_after_a_restart_of_the_pi_and_written_rarely(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge()
    read(bridge, make_devices(3))
    written = bridge.paths.known.stat()
    for _ in range(6):
        read(bridge, make_devices(3))
    assert bridge.paths.known.stat().st_ino == written.st_ino
    bridge.restart()
    state = read(bridge, restarted(1))
    assert [each["state"] for each in state.plant["panels"]].count("missing") == 2


def test_another_pvs_is_another_plant(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    read(bridge, make_devices(3))
    devices = make_devices(1)
    devices[0]["SERIAL"] = "ZT210175000612B0099"
    assert len(read(bridge, devices).plant["panels"]) == 1
    assert warning(bridge, "devices_missing") is None


def test_with_a_wrong_clock_nothing_is_forgotten(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    read(bridge, make_devices(3))
    bridge.clock_offset = None
    state = read(bridge, restarted(2))
    assert len(state.known.missing) == 0
    bridge.clock_offset = 1_782_000_000.0
    state = read(bridge, restarted(2))
    assert len(state.known.missing) == 1


# The flash of new firmware


@pytest.mark.parametrize(
    ("told", "expected"),
    [({"flash_usage": "79"}, []), ({"flash_usage": "80"}, ["flash"]),
     ({"flash_usage": "97", "dl_flash_avail": "500000"}, ["flash"]),
     ({"flash_usage": "40", "dl_flash_avail": "100"}, []),
     ({"dl_flash_avail": "100"}, ["flash"]),
     ({"flashwear_type_b": "0x08"}, []), ({"flashwear_type_b": "0x09"}, ["flash_wear"]),
     ({"flashwear_type_b": "0x0b"}, ["flash_wear"]), ({"flash_usage": "x"}, [])],
)  # fmt: skip
def test_the_flash_of_new_firmware_is_judged(
    tmp_path: Path, told: dict[str, str], expected: list[str]
) -> None:
    devices = make_devices(1)
    devices[0] |= told
    vitals = read_vitals((), "wlan0", tmp_path, tmp_path)
    found = warnings(CONFIG, vitals, read_plant(devices), frozenset(), {})
    assert [each.name for each in found] == expected
