"""The monitor starts the service that sends messages when it has something to do."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest
from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.conftest import MakeBridge
from unit.monitor.monitored import MonitoredBridge
from unit.notify.owner import Phone

from pvs_bridge.config import NotifyConfig
from pvs_bridge.health.outcomes import OUTCOMES
from pvs_bridge.host.probe import Signal
from pvs_bridge.monitor import notifier
from pvs_bridge.monitor.notifier import Paths, is_due, snapshot_of
from pvs_bridge.monitor.state import read_state, write_state
from pvs_bridge.notify import sender
from pvs_bridge.notify.record import Store
from pvs_bridge.notify.snapshot import read_snapshot

CONFIG = NotifyConfig("garage", "http://garage.local/bridge/", 600, "", 10)


class Notified:
    """A monitored bridge with its sender.

    Attributes:
        bridge: The bridge.
        phone: The only URL.
        started: When the service was started, in seconds since the Pi's start.
        panels: How many panels the PVS lists.
        pvs_started: When the PVS started, in seconds since the Pi's start.
        firmware: The firmware of the PVS.
    """

    def __init__(self, bridge: MonitoredBridge, folder: Path) -> None:
        """Begin with an empty record."""
        self.bridge = bridge
        self.phone = Phone()
        self.started: list[float] = []
        self.panels = 3
        self.pvs_started = -90_000.0
        self.firmware = "61707"
        (folder / "boot_id").write_text("first\n")
        self.paths = Paths(
            folder / "snapshot.json",
            Store(folder / "record.json", folder / "memory.json"),
            folder / "boot_id",
        )

    def minutes(self, count: int) -> None:
        """Let time pass with a run of the monitor each minute, and of the service if it starts."""
        for _ in range(count):
            pvs, *others = make_devices(self.panels)
            uptime = self.bridge.now + 60 - self.pvs_started
            pvs |= {"dl_uptime": f"{uptime:.0f}", "SWVER": f"2024.6, Build {self.firmware}"}
            self.bridge.probe.answers = [make_reply(body=make_body([pvs, *others]))]
            self.bridge.minutes(1)
            now, wall = self.bridge.now, (self.bridge.clock_offset or 0) + self.bridge.now
            state = read_state(self.bridge.paths.state)
            due = is_due(state, CONFIG, self.paths, now, wall)
            write_state(self.bridge.paths.state, state)
            if due:
                self.started.append(now)
                snapshot = read_snapshot(self.paths.snapshot)
                todo = sender.plan(CONFIG, snapshot, self.paths.store, now, wall)
                sender.run(CONFIG, todo, self.paths.store, [self.phone], wall, print)


@pytest.fixture
def notified(make_bridge: MakeBridge, tmp_path: Path) -> Notified:
    """Return a healthy bridge whose PVS was read, and recorded."""
    found = Notified(make_bridge(), tmp_path)
    found.minutes(6)
    assert len(found.started) == 1
    return found


def test_a_healthy_bridge_starts_nothing(notified: Notified) -> None:
    notified.minutes(300)
    assert len(notified.started) == 1
    assert notified.phone.got == []


def test_a_cable_that_is_out_and_in_again_is_two_messages(notified: Notified) -> None:
    notified.bridge.probe.signals["eth0"] = Signal.NONE
    notified.minutes(60)
    assert notified.phone.titles == ["bridge broken"]
    assert OUTCOMES["no_cable"].problem.format(pvs_interface="eth0") in notified.phone.bodies
    notified.bridge.probe.signals["eth0"] = Signal.UP
    notified.minutes(10)
    assert notified.phone.titles == ["bridge broken", "bridge works again"]
    assert len(notified.started) == 3


def test_a_service_that_cannot_send_starts_ever_more_rarely(notified: Notified) -> None:
    notified.phone.error = "HTTP 403"
    notified.bridge.host.down.append("haproxy.service")
    before = len(notified.started)
    notified.minutes(120)
    starts = notified.started[before:]
    pauses = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert pauses[:3] == [120, 240, 480]
    assert set(pauses[3:]) == {notifier.LONGEST_PAUSE_SECONDS}
    notified.phone.error = None
    notified.minutes(16)
    assert notified.phone.titles == ["bridge broken"]
    assert "The service haproxy.service does not work." in notified.phone.bodies


def test_a_new_event_does_not_wait_for_the_pause(notified: Notified) -> None:
    notified.phone.error = "HTTP 403"
    notified.bridge.host.down.append("haproxy.service")
    notified.minutes(60)
    assert notified.bridge.now - notified.started[-1] < notifier.LONGEST_PAUSE_SECONDS
    notified.phone.error = None
    notified.firmware = "61846"
    notified.minutes(6)
    assert notified.phone.titles == ["bridge broken", "new PVS firmware"]


def test_while_the_home_network_is_away_nothing_starts(notified: Notified) -> None:
    notified.bridge.probe.signals["wlan0"] = Signal.NONE
    notified.minutes(60)
    # Once, to put the message on the card.
    assert len(notified.started) == 2
    notified.bridge.probe.signals["wlan0"] = Signal.UP
    notified.minutes(20)
    assert notified.phone.titles == ["bridge works again"]


def test_a_hot_pi_is_a_message(notified: Notified) -> None:
    zone = notified.bridge.paths.root / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text("81000\n")
    notified.minutes(60)
    assert notified.phone.titles == ["warning"]
    assert "The Pi is hot: 81 °C." in notified.phone.bodies


def test_missing_panels_are_a_message(notified: Notified) -> None:
    notified.panels = 1
    notified.minutes(60)
    assert notified.phone.titles == ["warning"]
    assert "2 of 5 known panels and meters are missing" in notified.phone.bodies


def test_a_restart_of_the_pvs_is_a_message(notified: Notified) -> None:
    notified.minutes(30)
    notified.pvs_started = notified.bridge.now
    notified.minutes(60)
    assert notified.phone.titles == ["PVS restarted"]


def test_new_firmware_is_a_message(notified: Notified) -> None:
    notified.firmware = "61846"
    notified.pvs_started = notified.bridge.now
    notified.minutes(60)
    assert notified.phone.titles == ["new PVS firmware"]


def test_the_snapshot_has_no_serial_number(notified: Notified) -> None:
    state = notified.bridge.state
    assert state.plant is not None
    serials = [state.plant["supervisor"].get("serial"), *state.known.missing_since, state.known.pvs]
    text = repr(dataclasses.asdict(snapshot_of(state, notified.bridge.now, "first")))
    assert len([each for each in serials if each]) > 3
    assert [each for each in serials if each and each in text] == []
