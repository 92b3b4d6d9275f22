"""The entities of Home Assistant, and the message that announces a device with its entities."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EXPIRE_SECONDS = 900
"""After this time without a message, Home Assistant shows an entity as unavailable."""

STATUS, BRIDGE, PLANT, BATTERY, TOTALS = "status", "bridge", "plant", "battery", "totals"
"""The last levels of the topics."""

PANEL = "panel_"
"""Before the serial number of a panel in the name of its device."""

_TEMPLATE = "{{{{ value_json.{key} | default(none) }}}}"
_METER_NAMES = {"production": "Production meter", "consumption": "Consumption meter"}
_DIRECTIONS = {
    "grid": ("imported energy", "exported energy"),
    "home": ("consumed energy", "returned energy"),
}


@dataclass(frozen=True)
class Entity:
    """An entity; Home Assistant's documentation of MQTT sensors explains the attributes.

    Attributes:
        key: The key of the message that has its value, and the end of its unique id.
        name: As users see it.
        options: The other keys of its configuration.
        platform: ``sensor`` or ``binary_sensor``.
    """

    key: str
    name: str
    options: Mapping[str, Any]
    platform: str = "sensor"


def _power(key: str, name: str) -> Entity:
    return Entity(
        key,
        name,
        {"device_class": "power", "state_class": "measurement", "unit_of_measurement": "W"},
    )


def _energy(key: str, name: str, state_class: str = "total_increasing") -> Entity:
    return Entity(
        key,
        name,
        {
            "device_class": "energy",
            "state_class": state_class,
            "unit_of_measurement": "kWh",
            "suggested_display_precision": 1,
        },
    )


def _temperature(key: str, name: str) -> Entity:
    return Entity(
        key,
        name,
        {
            "device_class": "temperature",
            "state_class": "measurement",
            "unit_of_measurement": "°C",
            "entity_category": "diagnostic",
        },
    )


def _number(key: str, name: str) -> Entity:
    return Entity(key, name, {"state_class": "measurement", "entity_category": "diagnostic"})


OF_THE_PANEL = (
    _power("power", "Power"),
    _energy("energy", "Energy"),
    _temperature("temperature", "Inverter temperature"),
    Entity("state", "State", {"entity_category": "diagnostic"}),
)

OF_THE_BATTERY = (
    Entity(
        "charge",
        "Charge",
        {"device_class": "battery", "state_class": "measurement", "unit_of_measurement": "%"},
    ),
    # Positive while it discharges.
    _power("power", "Power"),
    Entity("mode", "Mode", {}),
    _number("modules", "Modules"),
)


def of_the_bridge(topic: str) -> tuple[Entity, ...]:
    """Return the entities of the bridge, whose messages have a topic."""
    return (
        Entity(
            "problem",
            "Problem",
            {
                "device_class": "problem",
                "payload_on": "True",
                "payload_off": "False",
                "json_attributes_topic": topic,
                "json_attributes_template": "{{ value_json.details | tojson }}",
            },
            "binary_sensor",
        ),
        Entity("text", "Status", {}),
        Entity("hint", "Hint", {"entity_category": "diagnostic"}),
        _temperature("temperature", "Temperature"),
        Entity(
            "signal",
            "Wi-Fi signal",
            {
                "device_class": "signal_strength",
                "state_class": "measurement",
                "unit_of_measurement": "dBm",
                "entity_category": "diagnostic",
            },
        ),
    )


def of_the_plant(meters: Mapping[str, str | None]) -> tuple[Entity, ...]:
    """Return the entities of the plant.

    Args:
        meters: The places of its meters, by names such as ``consumption`` and ``consumption_2``.
    """
    return (
        _power("production_power", "Production"),
        _power("home_power", "Home consumption"),
        # Negative while the home exports.
        _power("grid_power", "Grid"),
        _energy("energy_today", "Energy today"),
        _energy("panels_energy", "Energy of all panels"),
        _number("panels", "Panels"),
        _number("panels_working", "Panels working"),
        _number("panels_missing", "Panels missing"),
        *(each for meter, place in meters.items() for each in _of_a_meter(meter, place)),
    )


def _of_a_meter(meter: str, place: str | None) -> Sequence[Entity]:
    kind, _, number = meter.partition("_")
    name = " ".join(filter(None, (_METER_NAMES.get(kind, "Meter"), number)))
    key = f"meter_{meter}"
    power = _power(f"{key}_power", f"{name} power")
    if kind == "production":
        return (power, _energy(f"{key}_energy", f"{name} energy"))
    positive, negative = _DIRECTIONS.get(place or "", ("positive energy", "negative energy"))
    return (
        power,
        # Falls while the home exports, so it is not total_increasing.
        _energy(f"{key}_net_energy", f"{name} net energy", "total"),
        _energy(f"{key}_positive_energy", f"{name} {positive}"),
        _energy(f"{key}_negative_energy", f"{name} {negative}"),
    )


def slug(text: str) -> str:
    """Return a text with the characters that an object id of Home Assistant may have."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)


@dataclass(frozen=True)
class Announcement:
    """A device with its entities.

    Attributes:
        device: What Home Assistant shows of it.
        topic: The topic of its messages.
        entities: Those that have a value now.
        known: All that a device of its kind may have; they stay once they were announced.
        conditions: Topics and keys that must be true for the device to be available.
    """

    device: Mapping[str, Any]
    topic: str
    entities: Sequence[Entity]
    known: Sequence[Entity] = ()
    conditions: Sequence[tuple[str, str]] = ()


def announced(
    identity: str, status: str, version: str, made: Announcement, before: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the message that announces a device.

    Args:
        identity: The device's own, which is unique at the broker.
        status: The topic of the bridge's availability.
        version: The version of this project.
        made: The device.
        before: The components of the retained announcement.
    """
    components = {each.key: _component(identity, each) for each in made.entities}
    known = {each.key for each in made.known}
    for key, old in before.items():
        if key not in components and isinstance(old, dict) and "platform" in old:
            # Home Assistant removes a component that has nothing but a platform.
            components[key] = old if key in known else {"platform": old["platform"]}
    return {
        "device": {"identifiers": [identity], **made.device},
        "origin": {"name": "pvs-bridge", "sw_version": version},
        "state_topic": made.topic,
        "availability_mode": "all",
        "availability": [
            {"topic": status},
            *(
                {
                    "topic": topic,
                    "value_template": f"{{{{ 'online' if value_json.{key} else 'offline' }}}}",
                }
                for topic, key in made.conditions
            ),
        ],
        "components": components,
    }


def _component(identity: str, entity: Entity) -> dict[str, Any]:
    return {
        "platform": entity.platform,
        "unique_id": f"{identity}_{entity.key}",
        "name": entity.name,
        "value_template": _TEMPLATE.format(key=entity.key),
        "expire_after": EXPIRE_SECONDS,
        **entity.options,
    }
