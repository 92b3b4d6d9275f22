"""The battery: what the monitor asks for, and what it makes of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.conftest import MakeBridge
from unit.monitor.monitored import MonitoredBridge
from unit.status.scenes import stored
from unit.status.test_document import made

from pvs_bridge.pvs import storage
from pvs_bridge.pvs.storage import Battery, read_battery
from pvs_bridge.status.metrics import text_of
from pvs_sim.devices import storage_report


def report(hour: float = 19.0) -> dict[str, Any]:
    """Return the answer of the simulated PVS."""
    return storage_report(stored(hour, 2))


def run(bridge: MonitoredBridge, answer: object, grid_kw: str = "-0.4") -> dict[str, Any]:
    """Read a plant with a battery, and return it."""
    devices = make_devices(battery=True)
    devices[2] |= {"subtype": "NET_CONSUMPTION_LOADSIDE", "p_3phsum_kw": grid_kw}
    second = (
        answer if isinstance(answer, Exception) else make_reply(body=json.dumps(answer).encode())
    )
    bridge.probe.answers = [make_reply(body=make_body(devices)), second]
    bridge.run()
    found: dict[str, Any] = made(bridge)["plant"]
    return found


def test_a_battery_that_discharges_in_the_evening_has_positive_power() -> None:
    evening, noon = (stored(hour, 2).battery for hour in (19.0, 12.0))
    assert evening
    assert noon
    found = read_battery(json.dumps(report()).encode())
    assert found == Battery(
        round(evening.charge_state * 100, 1), round(evening.power_kw * 1000), "self consumption"
    )
    assert (found.watts or 0) > 100
    charging = read_battery(json.dumps(report(12.0)).encode())
    assert charging
    assert charging.watts == round(noon.power_kw * 1000) < -100


def test_several_batteries_are_one() -> None:
    answer = report()
    parts = answer["ess_report"]
    parts["battery_status"] = [
        {
            "customer_state_of_charge": {"value": 0, "unit": "%"},
            "system_state_of_charge": {"value": 9},
        },
        {"system_state_of_charge": {"value": "50", "unit": "%"}},
    ]
    parts["ess_status"] *= 2
    found = read_battery(json.dumps(answer).encode())
    once = read_battery(json.dumps(report()).encode())
    assert found
    assert once
    assert found.charge_percent == 25.0
    assert found.watts == pytest.approx(2 * (once.watts or 0), abs=1)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"{}", b'{"ess_report": 3}', b'{"ess_report": {"ess_status": []}}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_another_answer_tells_of_no_battery(body: bytes) -> None:
    assert read_battery(body) is None


@pytest.mark.parametrize("value", [None, "x", 1e9, True, {"value": []}, {"value": "nan"}])
def test_invalid_values_are_unknown(value: object) -> None:
    answer = {
        "ess_report": {
            "ess_status": [{"ess_meter_reading": {"agg_power": value}}, 3],
            "battery_status": [{"customer_state_of_charge": value}],
            "ess_state": [{"operational_mode": "UNKNOWN"}],
        }
    }
    assert read_battery(json.dumps(answer).encode()) == Battery(None, None, None)


def test_json_and_metrics_have_the_battery(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    plant = run(bridge, report())
    battery = plant["battery"]
    assert battery["mode"] == "self consumption"
    text = text_of(made(bridge))
    assert f"pvs_bridge_battery_watts {battery['watts']}\n" in text
    assert f"pvs_bridge_battery_charge_ratio {battery['charge_percent'] / 100:.3f}" in text
    assert "pvs_bridge_battery" not in text_of(made(bridge, 3600))
    # 600 W from the panels, 400 W to the grid, and what the battery gives.
    assert plant["power"]["consumption_watts"] == 200 + battery["watts"]


@pytest.mark.parametrize("answer", [{}, TimeoutError("no answer")])
def test_a_battery_that_does_not_answer_hides_nothing_else(
    make_bridge: MakeBridge, answer: object
) -> None:
    bridge = make_bridge()
    plant = run(bridge, answer)
    assert plant["battery"] is None
    assert plant["power"] == {
        "production_watts": 600, "consumption_watts": None, "grid_watts": -400,
    }  # fmt: skip
    assert len(plant["storage"]) == 2
    assert bridge.state.links[-1]["state"] == "ok"


def test_a_plant_without_a_battery_costs_no_request(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.minutes(10)
    assert storage.PATH not in bridge.probe.asked
    run(bridge, report())
    assert bridge.probe.asked.count(storage.PATH) <= 1
