"""The REST sensors of home_assistant/rest.md, with the documents of a bridge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from unit.monitor.monitored import MonitoredBridge
from unit.status.conftest import ROLE
from unit.status.test_document import made

from pvs_bridge.host.probe import Signal
from pvs_bridge.status.document import Documents, Sources


def sensors() -> list[dict[str, Any]]:
    """Return the sensors of the page."""
    text = (ROLE / "home_assistant/rest.md").read_text()
    block = text.split("<!-- rest -->")[1].split("```yaml")[1].split("```")[0]
    (rest,) = yaml.safe_load(block)["rest"]
    assert rest["resource"].endswith("/bridge/status.json")
    return [*rest["sensor"], *rest["binary_sensor"]]


def states(document: dict[str, Any]) -> dict[str, str]:
    """Return the states as Home Assistant computes them, from the text of the answer."""
    values = {"value_json": json.loads(json.dumps(document))}
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - no HTML
    found = {}
    for sensor in sensors():
        available = environment.from_string(sensor.get("availability", "True")).render(values)
        state = "unavailable"
        if available.strip() == "True":
            state = environment.from_string(sensor["value_template"]).render(values)
        found[sensor["name"]] = state
    return found


def test_each_sensor_has_the_figure_of_the_page(bridge: MonitoredBridge) -> None:
    assert states(made(bridge)) == {
        "Solar power": "600",
        "Home power": "0",
        "Grid power": "-1250",
        "Solar energy today": "0.0",
        "Solar bridge problem": "False",
    }


@pytest.mark.parametrize("later_seconds", [0, 900])
def test_old_powers_are_unavailable(bridge: MonitoredBridge, later_seconds: int) -> None:
    if not later_seconds:
        bridge.probe.signals["eth0"] = Signal.NONE
        bridge.minutes(1)
    found = states(made(bridge, later_seconds))
    assert [found[f"{name} power"] for name in ("Solar", "Home", "Grid")] == ["unavailable"] * 3
    assert found["Solar bridge problem"] == str(not later_seconds)


def test_a_bridge_that_has_just_started_causes_an_error_in_no_template(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    document = Documents(Sources(nothing, nothing, nothing)).make(5.0, 0.0)
    assert set(states(document).values()) == {"unavailable", "True"}
