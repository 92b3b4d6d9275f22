"""What a real Home Assistant makes of the messages."""

from __future__ import annotations

from typing import Any

import pytest
from bridges.mqtt.broker import Service
from nightly.home_assistant.home_assistant import HomeAssistant

from pvs_bridge.host.probe import Signal

PANEL = "sensor.solar_panel_e00121000000001"
SOLAR = "sensor.solar_garage"
# Of the bridge 5, of the plant 14, of each panel 4.
ENTITIES = 5 + 14 + 3 * 4


def ours(home_assistant: HomeAssistant) -> dict[str, dict[str, Any]]:
    """Return the entities of the bridge."""
    heads = ("sensor.solar_", "sensor.pvs_bridge_", "binary_sensor.pvs_bridge_")
    return {name: each for name, each in home_assistant.states().items() if name.startswith(heads)}


def states_of_the_plant(home_assistant: HomeAssistant) -> set[str]:
    """Return the different states of the entities of the plant."""
    return {each["state"] for name, each in ours(home_assistant).items() if "solar" in name}


@pytest.fixture
def entities(home_assistant: HomeAssistant) -> dict[str, dict[str, Any]]:
    """All entities, after they have a value."""
    home_assistant.until(lambda: len(ours(home_assistant)) == ENTITIES)
    home_assistant.until(
        lambda: all(each["state"] != "unavailable" for each in ours(home_assistant).values())
    )
    return ours(home_assistant)


def test_the_plant_is_there_with_its_units(entities: dict[str, dict[str, Any]]) -> None:
    found = {
        name: (each["state"], each["attributes"].get("unit_of_measurement"))
        for name, each in entities.items()
    }
    assert found[f"{SOLAR}_production"] == ("600", "W")
    assert found[f"{SOLAR}_grid"] == ("-1250", "W")
    assert found[f"{SOLAR}_production_meter_energy"] == ("20123.4567", "kWh")
    assert found[f"{SOLAR}_consumption_meter_imported_energy"] == ("4000.5", "kWh")
    assert found[f"{SOLAR}_panels"][0] == "3"
    assert found[f"{PANEL}_power"] == ("100", "W")
    assert found[f"{PANEL}_inverter_temperature"] == ("41.0", "°C")
    assert found[f"{PANEL}_state"] == ("working", None)
    problem = entities["binary_sensor.pvs_bridge_garage_problem"]
    assert problem["state"] == "off"
    assert problem["attributes"]["broken_link"] is None
    assert found["sensor.pvs_bridge_garage_status"][0] == "No problem"


def test_the_panels_belong_to_the_plant_and_the_plant_to_the_bridge(
    home_assistant: HomeAssistant, entities: dict[str, dict[str, Any]]
) -> None:
    del entities
    devices = {each["name"]: each for each in home_assistant.command("config/device_registry/list")}
    bridge, plant = devices["PVS bridge garage"], devices["Solar garage"]
    assert bridge["configuration_url"] == "http://garage.local/bridge/"
    assert plant["via_device_id"] == bridge["id"]
    panels = [each for name, each in devices.items() if name.startswith("Solar panel")]
    assert [each["via_device_id"] for each in panels] == [plant["id"]] * 3


def test_the_energy_dashboard_accepts_the_entities(
    home_assistant: HomeAssistant, entities: dict[str, dict[str, Any]]
) -> None:
    listed = {each["statistic_id"]: each for each in
              home_assistant.command("recorder/list_statistic_ids")}  # fmt: skip
    for name, each in entities.items():
        if each["attributes"].get("device_class") == "energy":
            assert listed[name]["has_sum"], name
            assert listed[name]["statistics_unit_of_measurement"] == "kWh"
    grid = {
        "type": "grid",
        "flow_from": [{"stat_energy_from": f"{SOLAR}_consumption_meter_imported_energy",
                       "stat_cost": None, "entity_energy_price": None,
                       "number_energy_price": None}],
        "flow_to": [{"stat_energy_to": f"{SOLAR}_consumption_meter_exported_energy",
                     "stat_compensation": None, "entity_energy_price": None,
                     "number_energy_price": None}],
        "cost_adjustment_day": 0.0,
    }  # fmt: skip
    solar = {
        "type": "solar",
        "stat_energy_from": f"{SOLAR}_production_meter_energy",
        "config_entry_solar_forecast": None,
    }
    panels = [{"stat_consumption": f"{PANEL}_energy"}]
    home_assistant.command(
        "energy/save_prefs", energy_sources=[grid, solar], device_consumption=panels
    )
    issues = home_assistant.command("energy/validate")
    # Statistics are made every five minutes, and without any the entities are not known yet.
    kinds = {
        issue["type"]
        for part in issues.values()
        for each in part
        for issue in (each if isinstance(each, list) else [each])
    }
    assert kinds <= {"statistics_not_defined"}
    assert home_assistant.command("recorder/validate_statistics") == {}


def test_a_short_list_of_the_pvs_makes_no_total_fall(
    home_assistant: HomeAssistant, service: Service, entities: dict[str, dict[str, Any]]
) -> None:
    house = service.house
    whole = list(house.devices)
    before = entities[f"{SOLAR}_energy_of_all_panels"]["state"]
    house.devices[:] = [whole[0], *whole[4:]]
    house.read()
    missing = f"{SOLAR}_panels_missing"
    home_assistant.until(lambda: ours(home_assistant)[missing]["state"] == "1", 30)
    found = ours(home_assistant)
    assert found[f"{SOLAR}_energy_of_all_panels"]["state"] == before
    assert found[f"{SOLAR}_production_meter_energy"]["state"] == "20123.4567"
    assert found[f"{SOLAR}_production_meter_power"]["state"] == "unknown"
    house.devices[:] = whole
    house.read()
    home_assistant.until(lambda: ours(home_assistant)[missing]["state"] == "0", 30)


def test_the_plant_is_unavailable_while_the_cable_is_out(
    home_assistant: HomeAssistant, service: Service, entities: dict[str, dict[str, Any]]
) -> None:
    del entities
    bridge = service.house.bridge
    bridge.probe.signals["eth0"] = Signal.NONE
    bridge.minutes(1)
    problem = "binary_sensor.pvs_bridge_garage_problem"
    home_assistant.until(lambda: ours(home_assistant)[problem]["state"] == "on", 30)
    # One message after the other.
    home_assistant.until(lambda: states_of_the_plant(home_assistant) == {"unavailable"}, 30)
    found = ours(home_assistant)
    assert found["sensor.pvs_bridge_garage_hint"]["state"].startswith("Push both plugs in")
    assert found[problem]["attributes"]["broken_link"] == "cable"
    bridge.probe.signals["eth0"] = Signal.UP
    service.house.read()
    home_assistant.until(lambda: ours(home_assistant)[f"{PANEL}_power"]["state"] == "100", 30)


def test_a_removed_panel_is_gone(
    home_assistant: HomeAssistant, service: Service, entities: dict[str, dict[str, Any]]
) -> None:
    del entities
    house = service.house
    gone = house.devices.pop()["SERIAL"].lower()
    house.read()
    house.bridge.clock_offset = (house.bridge.clock_offset or 0) + 15 * 86_400
    house.read()
    home_assistant.until(lambda: not [name for name in ours(home_assistant) if gone in name], 30)
    assert len(ours(home_assistant)) == ENTITIES - 4
    names = [each["name"].lower() for each in home_assistant.command("config/device_registry/list")]
    assert not [name for name in names if gone in name]


def test_everything_is_unavailable_when_the_bridge_is_off(
    home_assistant: HomeAssistant, service: Service
) -> None:
    service.stop()
    home_assistant.until(
        lambda: {each["state"] for each in ours(home_assistant).values()} == {"unavailable"}, 30
    )
    service.start()
    home_assistant.until(lambda: ours(home_assistant)[f"{PANEL}_power"]["state"] == "100", 60)


def test_a_bridge_that_is_forgotten_is_gone(
    home_assistant: HomeAssistant, service: Service
) -> None:
    service.stop()
    assert service.forget().returncode == 0
    home_assistant.until(lambda: not ours(home_assistant), 30)


def test_home_assistant_had_nothing_to_complain_about(home_assistant: HomeAssistant) -> None:
    lines = home_assistant.log.read_text().splitlines()
    complaints = [line for line in lines if " WARNING " in line or " ERROR " in line]
    topics = ("mqtt", "template", "sensor", "recorder", "statistic", "entity")
    assert [line for line in complaints if any(each in line.lower() for each in topics)] == []
