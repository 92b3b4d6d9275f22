"""The messages that the service publishes, made from the status document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pvs_bridge.config import MqttConfig
from pvs_bridge.mqtt.counters import Memory, read_memory
from pvs_bridge.mqtt.entities import (
    BATTERY,
    BRIDGE,
    OF_THE_BATTERY,
    OF_THE_PANEL,
    PANEL,
    PLANT,
    STATUS,
    TOTALS,
    Announcement,
    announced,
    of_the_bridge,
    of_the_plant,
    slug,
)

ONLINE, OFFLINE = b"online", b"offline"
_OF_A_METER = re.compile(
    r"meter_((?:production|consumption|other)(?:_[0-9])?)(?:_positive|_negative)?_energy"
)
REMOVED = b""
"""An empty retained message removes the one before it."""


@dataclass(frozen=True)
class Topics:
    """The topics of one bridge.

    Attributes:
        root: Before the topics of its messages.
        identity: Its own name among the bridges of a broker.
        discovery: Before the names of its devices in Home Assistant's discovery.
    """

    root: str
    identity: str
    discovery: str

    def of(self, name: str) -> str:
        """Return the topic of a message."""
        return f"{self.root}/{name}"

    def announcement(self, device: str) -> str:
        """Return the topic that announces a device."""
        return f"{self.discovery}/{device}/config"

    @property
    def own(self) -> tuple[str, str]:
        """The filters that match every topic of the bridge."""
        return (f"{self.root}/#", f"{self.discovery}/+/config")


def topics_of(config: MqttConfig) -> Topics:
    """Return the topics that a configuration sets."""
    root = f"{config.base_topic}/{config.name}"
    identity = slug(root)
    return Topics(root, identity, f"{config.discovery_prefix}/device/{identity}")


@dataclass
class Publisher:
    """Makes the messages.

    Attributes:
        topics: The topics of the bridge.
        config: Of the service.
        memory: The totals.
        retained: The messages that the broker keeps.
    """

    topics: Topics
    config: MqttConfig
    memory: Memory = field(default_factory=Memory)
    retained: dict[str, bytes] = field(default_factory=dict)

    def load(self, retained: Mapping[str, bytes]) -> None:
        """Take what the broker has; the totals of this process are newer than its."""
        self.retained = dict(retained)
        if not self.memory.counters:
            self.memory = read_memory(retained.get(self.topics.of(TOTALS), b""))

    def messages(self, document: Mapping[str, Any]) -> dict[str, bytes]:
        """Return every message that should be at the broker, by topic; empty ones remove."""
        found: dict[str, Any] = {}
        version = document["versions"]["pvs_bridge"] or ""
        for name, message, announcement in self._devices(document):
            found[announcement.topic] = message
            topic = self.topics.announcement(name)
            found[topic] = announced(
                f"{self.topics.identity}_{name}",
                self.topics.of(STATUS),
                version,
                announcement,
                self._components(topic),
            )
        written = {topic: _json(each) for topic, each in found.items()}
        plant = document["plant"]
        if plant is None:
            return written
        written[self.topics.of(TOTALS)] = _json(self.memory.data())
        # A list that is too short does not remove panels: the document keeps those that are missing
        # for two weeks.
        stale = self._stale_topics(written) if plant["current"] else set()
        return written | dict.fromkeys(stale, REMOVED)

    def _devices(
        self, document: Mapping[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any], Announcement]]:
        topics = self.topics
        topic = topics.of(BRIDGE)
        device = {"name": f"PVS bridge {self.config.name}", "manufacturer": "pvs-bridge"}
        if document["versions"]["pvs_bridge"]:
            device["sw_version"] = document["versions"]["pvs_bridge"]
        if self.config.page_url:
            device["configuration_url"] = self.config.page_url
        yield BRIDGE, _bridge(document), Announcement(device, topic, of_the_bridge(topic))
        plant = document["plant"]
        if plant is not None:
            yield from self._of_the_plant(plant, document)

    def _of_the_plant(
        self, plant: Mapping[str, Any], document: Mapping[str, Any]
    ) -> Iterator[tuple[str, dict[str, Any], Announcement]]:
        topics, at = self.topics, plant["time"]
        panels = list(self._panels(plant, at))
        topic = topics.of(PLANT)
        current = ((topic, "current"),)
        message = self._plant_message(plant, document["day"], at)
        places = {name: meter["place"] for name, meter in self._meters(plant).items()}
        supervisor = plant["supervisor"] or {}
        device = {
            "name": f"Solar {self.config.name}",
            "manufacturer": "SunPower",
            "model": supervisor.get("model"),
            "sw_version": supervisor.get("firmware"),
            "via_device": f"{topics.identity}_{BRIDGE}",
        }
        yield (
            PLANT,
            message,
            Announcement(
                {name: value for name, value in device.items() if value},
                topic,
                [each for each in of_the_plant(places) if message.get(each.key) is not None],
                of_the_plant({**self._counted_meters(), **places}),
                current,
            ),
        )
        if plant["storage"]:
            device = {
                "name": f"Battery {self.config.name}",
                "manufacturer": "SunPower",
                "via_device": f"{topics.identity}_{PLANT}",
            }
            topic = topics.of(BATTERY)
            yield BATTERY, _battery(plant), Announcement(device, topic, OF_THE_BATTERY, (), current)
        for name, message in panels:
            device = {
                "name": f"Solar panel {name}",
                "manufacturer": "SunPower",
                "via_device": f"{topics.identity}_{PLANT}",
            }
            yield (
                f"{PANEL}{name}",
                message,
                Announcement(device, self._panel_topic(name), OF_THE_PANEL, (), current),
            )

    def _panels(
        self, plant: Mapping[str, Any], at: float | None
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the serial number of each panel and its message; count what they have produced."""
        counters, made, total = self.memory.counters, 0.0, 0.0
        # A PVS may name two panels alike.
        panels = {slug(each["serial"]): each for each in plant["panels"]}
        for name, panel in panels.items():
            before = counters.get(f"{PANEL}{name}")
            energy = self.memory.count(f"{PANEL}{name}", panel["lifetime_kwh"], at)
            if energy is not None:
                total += energy
                # A panel that is new has not produced its energy here.
                made += 0.0 if before is None else energy - before.total
            power = {"working": panel["watts"], "asleep": 0}.get(panel["state"])
            yield (
                name,
                {
                    "power": power,
                    "energy": energy,
                    "temperature": panel["heatsink_c"],
                    "state": panel["state"],
                },
            )
        if plant["current"]:
            for name in [each for each in counters if each.startswith(PANEL)]:
                if name.removeprefix(PANEL) not in panels:
                    del counters[name]
        if panels:
            self.memory.add("panels", made, total)

    def _plant_message(
        self, plant: Mapping[str, Any], day: Mapping[str, Any], at: float | None
    ) -> dict[str, Any]:
        power, total, memory = plant["power"], plant["total"], self.memory
        sum_of_panels = memory.counters.get("panels")
        message = {
            "current": plant["current"],
            "production_power": power["production_watts"],
            "home_power": power["consumption_watts"],
            "grid_power": power["grid_watts"],
            "energy_today": memory.today(day["midnight"], day["kwh"]),
            "panels_energy": sum_of_panels.total if sum_of_panels else None,
            "panels": total["panels"],
            "panels_working": total["working"],
            "panels_missing": sum(each["state"] == "missing" for each in plant["panels"]),
        }
        for name, meter in self._meters(plant).items():
            key = f"meter_{name}"
            message[f"{key}_power"] = None if meter["kw"] is None else round(meter["kw"] * 1000)
            if meter["kind"] == "production":
                message[f"{key}_energy"] = memory.count(f"{key}_energy", meter["kwh"], at)
            else:
                message[f"{key}_net_energy"] = meter["kwh"]
                for what in ("positive", "negative"):
                    energy = f"{key}_{what}_energy"
                    # A state of an earlier version lacks it.
                    message[energy] = memory.count(energy, meter.get(f"{what}_kwh"), at)
        # A meter that the PVS does not list now keeps its totals.
        for name, counter in memory.counters.items():
            if _OF_A_METER.fullmatch(name):
                message.setdefault(name, counter.total)
        return message

    def _meters(self, plant: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Return the meters by name; the second of a kind has a number."""
        found: dict[str, Mapping[str, Any]] = {}
        for meter in plant["meters"]:
            same = sum(each["kind"] == meter["kind"] for each in found.values())
            found[f"{meter['kind']}_{same + 1}" if same else meter["kind"]] = meter
        return found

    def _counted_meters(self) -> dict[str, None]:
        """Return the names of all meters that have a total, also while the PVS lists them not."""
        counted = (_OF_A_METER.fullmatch(name) for name in self.memory.counters)
        return {each[1]: None for each in counted if each}

    def _panel_topic(self, name: str) -> str:
        return self.topics.of(f"panel/{name}")

    def _stale_topics(self, written: Mapping[str, bytes]) -> set[str]:
        """Return the topics of panels that are not in the plant any more."""
        announced_panels = f"{self.topics.discovery}/{PANEL}"
        kept = {topic for topic, each in self.retained.items() if each} - written.keys()
        stale = {topic for topic in kept if topic.startswith(announced_panels)}
        # Home Assistant reads the values of a panel as long as it is announced.
        return stale or {topic for topic in kept if topic.startswith(self._panel_topic(""))}

    def _components(self, topic: str) -> dict[str, Any]:
        """Return the components of a retained announcement."""
        try:
            found = json.loads(self.retained.get(topic, b"") or "{}")
        except (ValueError, RecursionError):
            return {}
        components = found.get("components") if isinstance(found, dict) else None
        return components if isinstance(components, dict) else {}


def _battery(plant: Mapping[str, Any]) -> dict[str, Any]:
    battery = plant.get("battery") or {}
    return {
        "charge": battery.get("charge_percent"),
        "power": battery.get("watts"),
        "mode": battery.get("mode"),
        "modules": sum(each["kind"].lower() == "battery" for each in plant["storage"]),
    }


def _bridge(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message of the bridge: a broken link first, then the first warning."""
    issues = [*document["warnings"]]
    if document["problem"]:
        issues.insert(0, document)
    first = issues[0] if issues else {"problem": "No problem", "hint": "Nothing to do"}
    severe = any(each["severe"] for each in document["warnings"])
    unchecked = document["age_seconds"] is None
    return {
        "problem": None if unchecked else not document["healthy"] or severe,
        "text": _short(first["problem"]),
        "hint": _short(first["hint"]),
        "temperature": document["pi"].get("temperature_celsius"),
        "signal": document["pi"].get("signal_dbm"),
        "details": {
            "problem": document["problem"],
            "hint": document["hint"],
            "broken_link": document["broken_link"],
            "warnings": [each["problem"] for each in document["warnings"]],
        },
    }


def _short(text: str) -> str:
    """Cut a text to the length that a state of Home Assistant may have."""
    return text if len(text) <= 255 else f"{text[:254]}…"


def _json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
