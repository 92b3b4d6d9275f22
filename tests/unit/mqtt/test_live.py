"""The powers of each second, in the plant's message."""

from __future__ import annotations

import json

import pytest
from unit.mqtt.conftest import House

from pvs_bridge.mqtt.live import power_of, with_live

POWER = {"production_power": 1234, "home_power": 500, "grid_power": -734}
PLANT = "pvs_bridge/garage/plant"


def test_a_message_of_the_pvs_tells_three_powers() -> None:
    params = {"pv_p": 1.2341, "site_load_p": 0.5, "net_p": -0.7336, "soc": None, "time": 1}
    line = b"data: %b\n" % json.dumps({"notification": "power", "params": params}).encode()
    assert power_of(line) == {"production_power": 1234, "home_power": 500, "grid_power": -734}


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b": comment\n", b"data: {\n", b"data: []\n", b"data: {}\n", b"data: \xff\n",
        b'data: {"params": 3}\n', b'data: {"params": {"pv_p": "1.2"}}\n',
        b'data: {"params": {"pv_p": true}}\n', b'data: {"params": {"pv_p": NaN}}\n',
        b'data: {"params": {"pv_p": 1e999}}\n', b'data: {"params": {"pv_p": null}}\n',
        b"data: " + b"[" * 100_000 + b"\n",
    ],
)  # fmt: skip
def test_any_other_line_tells_none(line: bytes) -> None:
    assert power_of(line) == {}


def test_only_the_powers_of_the_plant_change(house: House) -> None:
    messages = {topic: json.dumps(each).encode() for topic, each in house.messages().items()}
    found = dict(with_live(messages, PLANT, POWER))
    assert json.loads(found[PLANT]) == {**json.loads(messages[PLANT]), **POWER}
    assert {**found, PLANT: b""} == {**messages, PLANT: b""}
    assert dict(with_live(messages, PLANT, {})) == messages


def test_a_power_that_the_plant_does_not_tell_stays_unknown() -> None:
    plant = {"current": True, "production_power": 5, "home_power": None, "grid_power": None}
    ((_, message),) = with_live({PLANT: json.dumps(plant).encode()}, PLANT, POWER)
    assert json.loads(message) == {**plant, "production_power": 1234}


def test_after_a_fault_no_power_is_live() -> None:
    message = json.dumps({"current": False, "production_power": 5}).encode()
    assert dict(with_live({PLANT: message}, PLANT, POWER)) == {PLANT: message}
