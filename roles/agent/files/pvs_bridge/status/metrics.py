"""The document in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A metric with its samples.

    Attributes:
        name: The part after ``pvs_bridge_``.
        kind: ``gauge`` or ``counter``.
        help: The text of the HELP line.
        samples: Labels and value; unknown values (None) are left out.
    """

    name: str
    kind: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float | bool | None]]


def text_of(document: Mapping[str, Any]) -> str:
    """Return the text that Prometheus reads."""
    return "".join(_lines(metric) for metric in metrics_of(document))


def metrics_of(document: Mapping[str, Any]) -> Iterator[Metric]:
    """Return the metrics; roles/status/README.md lists them."""
    yield from _of_the_links(document)
    plant = document["plant"]
    if plant is not None:
        yield from _of_the_plant(plant, document["day"])
    yield from _of_the_pi(document["pi"])


def _of_the_links(document: Mapping[str, Any]) -> Iterator[Metric]:
    versions = {key: value or "unknown" for key, value in document["versions"].items()}
    yield Metric("info", "gauge", "Versions; always 1.", [(versions, 1)])
    yield _one("healthy", "Whether all links work and the PVS has answered.", document["healthy"])
    yield _one("check_age_seconds", "Time since the last check.", document["age_seconds"])
    links = [
        ({"link": link["link"]}, link["state"] == "ok")
        for link in document["links"]
        if link["state"] != "unknown"
    ]
    yield Metric("link_ok", "gauge", "Whether a link works.", links)
    warnings = [({"name": each["name"]}, 1) for each in document["warnings"]]
    yield Metric("warning", "gauge", "1 for each active warning.", warnings)
    steps = [({"step": name}, count) for name, count in document["steps"].items()]
    yield Metric("steps_total", "counter", "Recovery steps taken since the start of the Pi.", steps)


def _of_the_plant(plant: Mapping[str, Any], day: Mapping[str, Any]) -> Iterator[Metric]:
    yield _one(
        "reading_age_seconds", "Time since the last reading of the PVS.", plant["age_seconds"]
    )
    # An old reading does not say what the power is now.
    if plant["current"]:
        yield from _of_now(plant)
    kwh = day["kwh"]
    yield _one(
        "production_today_watthours",
        "Energy since midnight.",
        None if kwh is None else round(kwh * 1000),
    )
    total = plant["total"]
    yield _one("panels", "Number of panels.", total["panels"])
    missing = sum(each["state"] == "missing" for each in plant["panels"])
    yield _one("panels_missing", "Number of panels that the PVS has listed before.", missing)
    yield Metric(
        "panel_watthours_total",
        "counter",
        "Lifetime energy of a panel.",
        [(labels, _thousandfold(each["lifetime_kwh"])) for labels, each in _panels(plant)],
    )
    # A gauge, because a net value may fall.
    yield Metric(
        "meter_watthours",
        "gauge",
        "Lifetime net energy of a meter.",
        [(labels, _thousandfold(each["kwh"])) for labels, each in _meters(plant)],
    )
    supervisor = plant["supervisor"] or {}
    yield _one(
        "pvs_up_seconds", "Time since the start of the PVS.", supervisor.get("uptime_seconds")
    )
    flash = supervisor.get("flash_free_kib")
    yield _one(
        "pvs_flash_free_bytes",
        "Free flash memory of the PVS.",
        None if flash is None else flash * 1024,
    )
    used = supervisor.get("flash_used_percent")
    yield _one(
        "pvs_flash_used_ratio",
        "Flash memory of the PVS in use.",
        None if used is None else used / 100,
    )
    wear = supervisor.get("flash_wear_percent")
    yield _one(
        "pvs_flash_wear_ratio",
        "How much of the expected life of the PVS's flash is over.",
        None if wear is None else wear / 100,
    )


def _of_now(plant: Mapping[str, Any]) -> Iterator[Metric]:
    power = plant["power"]
    yield _one("production_watts", "Power of the plant.", power["production_watts"])
    yield _one("consumption_watts", "Power that the home consumes.", power["consumption_watts"])
    yield _one(
        "grid_watts",
        "Power that the home imports; negative while it exports.",
        power["grid_watts"],
    )
    battery = plant.get("battery") or {}
    charge = battery.get("charge_percent")
    yield _one(
        "battery_charge_ratio",
        "Charge of the battery.",
        None if charge is None else round(charge / 100, 4),
    )
    yield _one(
        "battery_watts",
        "Power of the battery; positive while it discharges.",
        battery.get("watts"),
    )
    yield _one("panels_working", "Number of panels that work.", plant["total"]["working"])
    panels = _panels(plant)
    yield Metric(
        "panel_watts",
        "gauge",
        "Power of a panel; 0 while it is asleep.",
        [(labels, each["watts"] if each["state"] == "working" else 0) for labels, each in panels],
    )
    yield Metric(
        "panel_heatsink_celsius",
        "gauge",
        "Heat sink temperature of a panel's inverter.",
        [(labels, each["heatsink_c"]) for labels, each in panels],
    )
    yield Metric(
        "meter_watts",
        "gauge",
        "Power at a meter.",
        [(labels, _thousandfold(each["kw"])) for labels, each in _meters(plant)],
    )


def _panels(plant: Mapping[str, Any]) -> list[tuple[dict[str, str], Mapping[str, Any]]]:
    # A serial number that is listed twice would be a duplicate series, which Prometheus refuses.
    by_serial = {each["serial"]: each for each in reversed(plant["panels"])}
    return [({"serial": serial}, each) for serial, each in reversed(by_serial.items())]


def _meters(plant: Mapping[str, Any]) -> list[tuple[dict[str, str], Mapping[str, Any]]]:
    return [
        ({"meter": f"{number}", "kind": each["kind"]}, each)
        for number, each in enumerate(plant["meters"], 1)
    ]


def _of_the_pi(pi: Mapping[str, Any]) -> Iterator[Metric]:
    yield _one("pi_up_seconds", "Time since the start of the Pi.", pi["up_seconds"])
    yield _one("pi_temperature_celsius", "Temperature of the Pi.", pi.get("temperature_celsius"))
    yield _one(
        "pi_under_voltage",
        "Whether the supply voltage was too low since the start of the Pi.",
        pi.get("under_voltage"),
    )
    yield _one("pi_throttled", "Whether the Pi slows itself down.", pi.get("throttled"))
    yield _one("pi_root_locked", "Whether the root file system is locked.", pi.get("root_locked"))
    yield _one("pi_wifi_signal_dbm", "Wi-Fi signal level.", pi.get("signal_dbm"))
    for name, key, what in (
        ("pi_card_free_bytes", "card_free_mib", "Free space of the card of the Pi."),
        ("pi_memory_free_bytes", "memory_free_mib", "Memory available to programs."),
        (
            "pi_root_memory_free_bytes",
            "root_memory_free_mib",
            "Free space of the overlay over a locked root.",
        ),
    ):
        mib = pi.get(key)
        yield _one(name, what, None if mib is None else mib * 1024 * 1024)
    yield Metric(
        "pi_interface_errors_total",
        "counter",
        "Damaged packets by interface.",
        [({"interface": name}, count) for name, count in pi.get("errors", {}).items()],
    )


def _one(name: str, what: str, value: float | bool | None) -> Metric:
    return Metric(name, "gauge", what, [({}, value)])


def _thousandfold(value: float | None) -> float | None:
    return None if value is None else round(value * 1000, 3)


def _lines(metric: Metric) -> str:
    name = f"pvs_bridge_{metric.name}"
    found: dict[str, float | bool] = {}
    for labels, value in metric.samples:
        if value is not None:
            # A PVS may name two panels alike, and Prometheus rejects two values of one series.
            found.setdefault(f"{name}{_labels(labels)}", value)
    if not found:
        return ""
    samples = "".join(f"{series} {_number(value)}\n" for series, value in found.items())
    return f"# HELP {name} {metric.help}\n# TYPE {name} {metric.kind}\n{samples}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    written = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{written}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float | bool) -> str:
    return str(int(value)) if isinstance(value, bool) else f"{value:.15g}"
