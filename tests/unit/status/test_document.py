"""The document behind the page."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from unit.monitor.monitored import MonitoredBridge

from pvs_bridge.host.probe import Signal
from pvs_bridge.status.document import Documents, Sources


def made(bridge: MonitoredBridge, later_seconds: float = 0.0) -> dict[str, Any]:
    """Make the document some time after the last run of the monitor."""
    system = bridge.paths.root / "os-release"
    system.write_text('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')
    sources = Sources(bridge.paths.state, bridge.paths.events, system)
    now = bridge.now + later_seconds
    return Documents(sources).make(now, (bridge.clock_offset or 0.0) + now)


def test_a_healthy_bridge_has_the_age_of_its_check(bridge: MonitoredBridge) -> None:
    document = made(bridge, 42)
    assert (document["healthy"], document["age_seconds"], document["problem"]) == (True, 42, None)
    assert document["plant"]["age_seconds"] == 42 + 60
    assert document["versions"] == {
        "pvs_bridge": "0.1.0",
        "system": "Debian GNU/Linux 13 (trixie)",
        "firmware": "2024.6, Build 61707",
    }
    assert document["pi"]["temperature_celsius"] == 48.2
    assert document["steps"]["restart-unit"] >= 1


def test_a_broken_link_has_a_hint(bridge: MonitoredBridge) -> None:
    bridge.probe.signals["eth0"] = Signal.NONE
    bridge.minutes(1)
    document = made(bridge)
    assert (document["healthy"], document["broken_link"]) == (False, "cable")
    assert document["problem"].startswith("There is no signal on the cable")
    assert document["hint"].startswith("Push both plugs in")


def test_a_reading_is_current_until_it_is_two_intervals_old(bridge: MonitoredBridge) -> None:
    assert made(bridge)["plant"]["current"]
    assert made(bridge, 2 * 300 - 60)["plant"]["current"]
    old = made(bridge, 2 * 300)["plant"]
    assert (old["current"], old["age_seconds"]) == (False, 660)
    assert old["time"] == round((bridge.clock_offset or 0) + bridge.now - 60)


@pytest.mark.parametrize(("interface", "current"), [("eth0", False), ("wlan0", True)])
def test_a_reading_is_not_current_while_the_way_to_the_pvs_is_broken(
    bridge: MonitoredBridge, interface: str, current: bool
) -> None:
    bridge.probe.signals[interface] = Signal.NONE
    bridge.minutes(1)
    document = made(bridge)
    assert not document["healthy"]
    assert document["plant"]["current"] is current


def test_a_state_of_an_earlier_version_has_no_plant(bridge: MonitoredBridge) -> None:
    state = json.loads(bridge.paths.state.read_text())
    del state["plant"]["power"], state["reading_seconds"]
    bridge.paths.state.write_text(json.dumps(state))
    assert made(bridge)["plant"] is None


def test_a_day_says_whether_it_is_whole(bridge: MonitoredBridge) -> None:
    bridge.clock_offset = (bridge.clock_offset or 0.0) + 6 * 3600
    document = made(bridge)
    day = document["day"]
    assert day["since"] == day["points"][0][0]
    assert 6 * 3600 <= day["since"] - day["midnight"] < 86_400
    assert day["utc_offset_seconds"] == time.localtime(document["time"]).tm_gmtoff


def test_a_stopped_monitor_is_not_healthy(bridge: MonitoredBridge) -> None:
    document = made(bridge, 1000)
    assert not document["healthy"]
    assert document["problem"] == "The monitor on the bridge has stopped."


def test_a_pi_that_has_just_started_has_a_complete_document(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    document = Documents(Sources(nothing, nothing, nothing)).make(5.0, 0.0)
    assert (document["healthy"], document["hint"]) == (False, "Wait a minute.")
    assert (document["plant"], document["links"], document["day"]["points"]) == (None, [], [])


@pytest.mark.parametrize("has_live_data", [False, True])
def test_the_page_is_told_of_live_data(tmp_path: Path, has_live_data: bool) -> None:
    nothing = tmp_path / "nothing"
    sources = Sources(nothing, nothing, nothing)
    document = Documents(sources, has_live_data=has_live_data).make(5.0, 0.0)
    assert document["live_data"] is has_live_data


def test_a_damaged_state_counts_as_missing(bridge: MonitoredBridge) -> None:
    bridge.paths.state.write_text('{"checked": 1')
    assert made(bridge)["age_seconds"] is None


def test_no_serial_number_of_the_pvs_is_shown(bridge: MonitoredBridge) -> None:
    text = json.dumps(made(bridge))
    for serial in ("B0042", "PVS6M2175"):
        assert serial not in text
    assert "E00121000000001" in text


def test_points_use_the_current_clock(bridge: MonitoredBridge) -> None:
    before = made(bridge)["day"]["points"]
    # The Pi's clock was a day slow, and is set now.
    bridge.clock_offset = (bridge.clock_offset or 0.0) + 86_400
    after = made(bridge)["day"]["points"]
    assert [at + 86_400 for at, _ in before] == [at for at, _ in after]
    assert len(before) == 3


def test_events_are_newest_first_without_damaged_ones(bridge: MonitoredBridge) -> None:
    with bridge.paths.events.open("a") as file:
        file.write('{"kind": "step", "te')
    kinds = [each["kind"] for each in made(bridge)["events"]]
    assert kinds[-1] == "broken"
    assert "step" in kinds


def test_a_wrong_clock_is_not_shown(bridge: MonitoredBridge) -> None:
    bridge.clock_offset = None
    bridge.minutes(1)
    document = made(bridge)
    times = (document["time"], document["plant"]["time"], document["day"]["midnight"])
    assert times == (None, None, None)
