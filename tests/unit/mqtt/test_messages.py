"""The messages, as Home Assistant reads them."""

from __future__ import annotations

import json
from typing import Any

import jinja2
import pytest
from unit.health.conftest import make_devices
from unit.mqtt.conftest import NIGHT, House
from unit.status.test_document import made

from pvs_bridge.host.probe import Signal

ROOT = "pvs_bridge/garage"
DEVICES = "homeassistant/device/pvs_bridge_garage"
FIRST = "E00121000000001"


def states(messages: dict[str, Any], device: str) -> dict[str, str]:
    """Return the states of a device's entities by name, as Home Assistant computes them."""
    config = messages[f"{DEVICES}/{device}/config"]
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - no HTML

    def rendered(template: str, topic: str) -> str:
        return environment.from_string(template).render(value_json=messages[topic])

    for each in config["availability"]:
        template = each.get("value_template")
        if template and rendered(template, each["topic"]) != "online":
            return {}
    return {
        each["name"]: rendered(each["value_template"], config["state_topic"])
        for each in config["components"].values()
        if "name" in each
    }


def test_the_plant_has_the_figures_of_the_page(house: House) -> None:
    assert states(house.messages(), "plant") == {
        "Production": "600",
        "Home consumption": "0",
        "Grid": "-1250",
        "Energy today": "0.0",
        "Energy of all panels": "3703.5",
        "Panels": "3",
        "Panels working": "3",
        "Panels missing": "0",
        "Production meter power": "600",
        "Production meter energy": "20123.4567",
        "Consumption meter power": "-1250",
        "Consumption meter net energy": "31000.5",
        "Consumption meter imported energy": "4000.5",
        "Consumption meter exported energy": "2500.25",
    }


def test_each_panel_is_a_device_of_the_plant(house: House) -> None:
    messages = house.messages()
    assert states(messages, f"panel_{FIRST}") == {
        "Power": "100",
        "Energy": "1234.5",
        "Inverter temperature": "41.0",
        "State": "working",
    }
    config = messages[f"{DEVICES}/panel_{FIRST}/config"]
    assert config["device"]["identifiers"] == [f"pvs_bridge_garage_panel_{FIRST}"]
    plant = messages[f"{DEVICES}/plant/config"]["device"]
    assert config["device"]["via_device"] == plant["identifiers"][0]
    assert plant["sw_version"] == "2024.6, Build 61707"


CLASSES = {
    "W": ("power", {"measurement"}),
    "kWh": ("energy", {"total", "total_increasing"}),
    "°C": ("temperature", {"measurement"}),
    "dBm": ("signal_strength", {"measurement"}),
}


def test_classes_and_units_fit_and_identities_are_unique(house: House) -> None:
    identities = []
    for topic, message in house.messages().items():
        for each in message.get("components", {}).values():
            identities.append(each["unique_id"])
            unit = each.get("unit_of_measurement")
            if unit:
                kind, state_classes = CLASSES[unit]
                assert each["device_class"] == kind
                assert each["state_class"] in state_classes
            # Only a net value may fall.
            assert (each.get("state_class") == "total") == ("net_energy" in each["unique_id"])
            assert each["expire_after"] == 900
        if topic.endswith("/config"):
            assert message["availability"][0] == {"topic": f"{ROOT}/status"}
    assert len(identities) == len(set(identities)) > 20


@pytest.mark.parametrize("cause", ["cable", "age"])
def test_the_plant_and_its_panels_are_unavailable_while_the_reading_is_not_of_now(
    house: House, cause: str
) -> None:
    if cause == "cable":
        house.bridge.probe.signals["eth0"] = Signal.NONE
        house.bridge.minutes(1)
    else:
        house.later_seconds = 900
    messages = house.messages()
    assert states(messages, "plant") == states(messages, f"panel_{FIRST}") == {}
    bridge = states(messages, "bridge")
    assert bridge["Problem"] == str(cause == "cable")
    if cause == "cable":
        assert bridge["Status"].startswith("There is no signal on the cable")
        assert bridge["Hint"].startswith("Push both plugs in")
        details = messages[f"{ROOT}/bridge"]["details"]
        assert details["broken_link"] == "cable"


def test_a_healthy_bridge_has_no_problem(house: House) -> None:
    bridge = states(house.messages(), "bridge")
    assert (bridge["Problem"], bridge["Status"]) == ("False", "No problem")


def test_a_bridge_that_was_not_checked_yet_is_neither_good_nor_bad(house: House) -> None:
    house.bridge.restart()
    messages = house.messages()
    assert states(messages, "bridge")["Problem"] == "None"
    # Nothing is said about the plant, and nothing is removed.
    assert set(messages) == {f"{ROOT}/bridge", f"{DEVICES}/bridge/config"}


def test_panels_keep_their_entities_and_energy_at_night(house: House) -> None:
    day = house.messages()
    for panel in house.panels:
        panel |= NIGHT
    night = house.read()
    assert states(night, f"panel_{FIRST}") == {
        "Power": "0", "Energy": "1234.5", "Inverter temperature": "None", "State": "asleep",
    }  # fmt: skip
    configs = [
        {topic: each for topic, each in found.items() if topic.endswith("/config")}
        for found in (day, night)
    ]
    assert configs[0] == configs[1]


def test_totals_stay_while_panels_and_meters_are_missing(house: House) -> None:
    """After a restart, a PVS lists a part of its devices for minutes to days."""
    before = states(house.messages(), "plant")
    whole = [dict(each) for each in house.devices]
    house.devices[:] = [whole[0], *whole[4:]]
    short = states(house.read(), "plant")
    energies = [name for name in before if "nergy" in name and name != "Energy today"]
    assert len(energies) == 5
    kept = {name for name in energies if short[name] == before[name]}
    # A net value is not a total that only rises; it is unknown meanwhile.
    assert kept == {*energies} - {"Consumption meter net energy"}
    assert short["Panels missing"] == "1"
    assert short["Production meter power"] == "None"

    for device in whole[3:]:
        device["ltea_3phsum_kwh"] = "1235.0"
    whole[1]["net_ltea_3phsum_kwh"] = "20125.0"
    house.devices[:] = whole
    after = states(house.read(), "plant")
    assert after["Energy of all panels"] == "3705.0"
    assert after["Production meter energy"] == "20125.0"


def test_no_total_falls_whatever_is_missing_at_each_reading(house: House) -> None:
    whole = [dict(each) for each in house.devices]
    seen: dict[str, float] = {}
    for number in range(24):
        for panel in whole[3:]:
            panel["ltea_3phsum_kwh"] = str(float(panel["ltea_3phsum_kwh"]) + 0.25)
        house.devices[:] = [
            each for at, each in enumerate(whole) if at == 0 or number >> at % 3 & 1
        ]
        if number % 5 == 4:
            house.restart()
        messages = house.read()
        for topic, message in messages.items():
            for each in (message or {}).get("components", {}).values():
                if each.get("state_class") != "total_increasing":
                    continue
                key = each["unique_id"].removeprefix("pvs_bridge_garage_")
                value = messages[messages[topic]["state_topic"]].get(key.partition("_")[2])
                if key.startswith("panel_"):
                    value = messages[messages[topic]["state_topic"]]["energy"]
                if value is not None:
                    assert value >= seen.get(key, 0.0), (number, key)
                    seen[key] = value
    assert seen["plant_panels_energy"] == pytest.approx(3703.5 + 3 * 24 * 0.25, abs=1.5)


def test_a_panel_that_was_removed_is_removed_from_the_broker(house: House) -> None:
    house.messages()
    gone = house.devices.pop()["SERIAL"]
    assert house.read()[f"{ROOT}/panel/{gone}"]["state"] == "missing"
    # The monitor forgets it after two weeks.
    house.bridge.clock_offset = (house.bridge.clock_offset or 0) + 15 * 86_400
    # First its announcement, so that Home Assistant does not read the removed value.
    for topic in (f"{DEVICES}/panel_{gone}/config", f"{ROOT}/panel/{gone}"):
        messages = house.read()
        assert {name for name, each in messages.items() if each is None} == {topic}
    before = messages[f"{ROOT}/plant"]["panels_energy"]
    assert before == 3703.5
    house.restart()
    assert not {topic for topic, each in house.messages().items() if each is None}


def test_a_component_of_an_earlier_version_is_removed(house: House) -> None:
    topic = f"{DEVICES}/plant/config"
    config = json.loads(house.publisher.retained[topic]) if house.messages() else {}
    config["components"]["former"] = {"platform": "sensor", "name": "Former"}
    house.publisher.retained[topic] = json.dumps(config).encode()
    assert house.messages()[topic]["components"]["former"] == {"platform": "sensor"}


@pytest.mark.parametrize(
    "damage", [b"{", b"[1]", b'{"components": [1]}', b'{"components": {"a": 1}}']
)
def test_a_damaged_announcement_at_the_broker_is_replaced(house: House, damage: bytes) -> None:
    topic = f"{DEVICES}/plant/config"
    before = house.messages()[topic]
    house.publisher.retained[topic] = damage
    assert house.messages()[topic] == before


def test_neither_the_pvs_s_serial_number_nor_a_password_is_published(house: House) -> None:
    text = json.dumps(house.messages())
    for secret in ("B0042", "PVS6M2175"):
        assert secret not in text


def test_a_strange_serial_number_cannot_leave_its_topic(house: House) -> None:
    house.devices[-1]["SERIAL"] = "E1/+/#/x"
    topics = house.read()
    assert f"{ROOT}/panel/E1_____x" in topics
    assert not [topic for topic in topics if "+" in topic or "#" in topic]


def test_a_battery_is_a_device_of_the_plant(house: House) -> None:
    house.devices += make_devices(0, battery=True)[3:5]
    house.read()
    assert f"{DEVICES}/battery/config" in house.messages()
    document = made(house.bridge)
    document["plant"]["battery"] = {
        "charge_percent": 81.5,
        "watts": -1200,
        "mode": "self consumption",
    }
    written = house.publisher.messages(document)
    messages = {topic: json.loads(each) for topic, each in written.items()}
    assert states(messages, "battery") == {
        "Charge": "81.5",
        "Power": "-1200",
        "Mode": "self consumption",
        "Modules": "1",
    }
    config = messages[f"{DEVICES}/battery/config"]
    assert config["components"]["charge"]["device_class"] == "battery"
    # The answer to its status may be missing at a reading.
    document["plant"]["battery"] = None
    messages = {
        topic: json.loads(each) for topic, each in house.publisher.messages(document).items()
    }
    assert states(messages, "battery")["Charge"] == "None"


def test_a_plant_without_a_battery_has_no_device_for_it(house: House) -> None:
    assert not [topic for topic in house.messages() if "battery" in topic]


def test_a_state_of_an_earlier_version_is_published(house: House) -> None:
    """An update of the agent keeps the monitor's state until the next reading."""
    state = json.loads(house.bridge.paths.state.read_text())
    for meter in state["plant"]["meters"]:
        del meter["positive_kwh"], meter["negative_kwh"]
    house.bridge.paths.state.write_text(json.dumps(state))
    assert states(house.messages(), "plant")["Consumption meter power"] == "-1250"


def test_60_panels_are_announced_in_small_messages(house: House) -> None:
    for number in range(60):
        house.devices.append({**house.panels[0], "SERIAL": f"E00122{number:09}"})
    messages = house.read()
    assert len(messages) == 2 * (63 + 2) + 1
    assert max(len(json.dumps(each)) for each in messages.values()) < 8000
