"""A locked PVS that lists a part of its inverters after a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bridges.compat.house import DEVICE_LIST, LOCKED, House

STATE = "/run/pvs-bridge-monitor/state.json"
KNOWN = "/var/lib/pvs-bridge-monitor/known.json"
# The monitor asks the PVS every few minutes; by hand it does so now.
MONITOR = f"rm -f {STATE}; pvs-bridge monitor run"


@pytest.fixture
def short(locked: House) -> Iterator[House]:
    """A bridge that knows the plant, and a PVS that has restarted and lists three inverters."""
    assert len(inverters(locked)) == 12
    locked.output("bridge", f"rm -f {KNOWN}; {MONITOR}")
    locked.simulator("/_sim/settings", {"incomplete_seconds": 3600, "incomplete_inverters": 3})
    try:
        locked.simulator("/_sim/restart", {"seconds": 2})
        assert locked.until(lambda: len(missing(locked)) == 9, 60), inverters(locked)
        yield locked
    finally:
        locked.simulator("/_sim/settings", {"incomplete_seconds": 0})
        locked.simulator("/_sim/restart", {"seconds": 2})
        locked.install(LOCKED)


def inverters(house: House) -> list[dict[str, Any]]:
    """Return the inverters in the list that a program gets; none while the PVS restarts."""
    answer = json.loads(house.output("client", f"curl -s '{DEVICE_LIST}'"))
    return [each for each in answer.get("devices", []) if each["DEVICE_TYPE"] == "Inverter"]


def missing(house: House) -> list[dict[str, Any]]:
    """Return those that the PVS does not list."""
    return [each for each in inverters(house) if each["STATEDESCR"] == "Missing"]


def test_missing_inverters_stay_listed_with_a_warning_until_they_return(short: House) -> None:
    listed = inverters(short)
    assert len(listed) == 12
    assert {each["STATE"] for each in missing(short)} == {"error"}
    found = short.health()
    states = [each["state"] for each in found["plant"]["panels"]]
    assert (states.count("missing"), states.count("working")) == (9, 3)
    short.output("bridge", MONITOR)
    state = json.loads(short.output("bridge", f"cat {STATE}"))
    (warning,) = [each for each in state["warnings"] if each["name"] == "devices_missing"]
    assert warning["problem"].startswith("9 of 14 known panels and meters")
    assert "Do not restart it again" in warning["hint"]
    short.simulator("/_sim/settings", {"incomplete_seconds": 0})
    short.simulator("/_sim/restart", {"seconds": 2})
    states = ["Working"] * 12
    assert short.until(lambda: [each["STATEDESCR"] for each in inverters(short)] == states, 60)
