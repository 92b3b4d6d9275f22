"""Reading the Pi's vitals, and the monitor's warnings about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.health.conftest import make_body, make_devices, make_reply
from unit.monitor.conftest import MakeBridge
from unit.monitor.monitored import CONFIG, MonitoredBridge

from pvs_bridge.host.sensors import read_vitals
from pvs_bridge.host.vitals import Vitals
from pvs_bridge.monitor.warnings import warnings

_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
_TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"
_WIRELESS = """\
Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   48.  {level}.  -256        0      0      0      0      9        0
"""


def write(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def read(root: Path) -> Vitals:
    return read_vitals(("eth0", "wlan0"), "wlan0", root, root)


def names(bridge: MonitoredBridge) -> list[str]:
    return [each["name"] for each in bridge.state.warnings]


@pytest.mark.parametrize(
    ("flags", "now", "since", "throttled"),
    [
        ("0x0", False, False, False),
        ("0x50000", False, True, False),
        ("50005\n", True, True, True),
        ("nonsense", None, None, None),
    ],
)
def test_the_firmware_s_flags_are_read(
    tmp_path: Path, flags: str, now: bool | None, since: bool | None, throttled: bool | None
) -> None:
    write(tmp_path, _THROTTLED, flags)
    found = read(tmp_path)
    told = (found.under_voltage_now, found.under_voltage, found.throttled)
    assert told == (now, since, throttled)


def test_without_the_firmware_the_kernel_s_sensor_is_read(tmp_path: Path) -> None:
    write(tmp_path, "sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    write(tmp_path, "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    write(tmp_path, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert read(tmp_path).under_voltage


def test_other_computers_provide_some_vitals(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.under_voltage, found.temperature_celsius, found.signal_dbm) == (None, None, None)
    assert found.card_free_mib is not None


def test_a_warning_is_reported_once_and_when_it_ends(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    write(bridge.paths.root, _TEMPERATURE, "81200\n")
    bridge.minutes(5)
    (warning,) = bridge.state.warnings
    assert (warning["name"], warning["since"]) == ("temperature", 120.0)
    assert warning["problem"] == "The Pi is hot: 81 °C."
    # Within the hysteresis.
    write(bridge.paths.root, _TEMPERATURE, "73500\n")
    bridge.minutes(1)
    assert names(bridge) == ["temperature"]
    write(bridge.paths.root, _TEMPERATURE, "60000\n")
    bridge.minutes(1)
    assert names(bridge) == []
    assert [each["kind"] for each in bridge.events] == ["warning", "cleared"]


def test_weak_wifi_is_a_warning(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    write(bridge.paths.root, "proc/net/wireless", _WIRELESS.format(level=-81))
    bridge.run()
    assert names(bridge) == ["signal"]
    assert bridge.state.vitals["signal_dbm"] == -81


def test_damaged_packets_are_a_warning(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    errors = "sys/class/net/eth0/statistics/rx_errors"
    write(bridge.paths.root, errors, "1000\n")
    bridge.run()
    assert names(bridge) == []
    write(bridge.paths.root, errors, "1100\n")
    bridge.minutes(1)
    assert names(bridge) == ["errors_eth0"]


def test_a_nearly_full_card_is_a_warning(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(card_free_mib=100_000_000)
    bridge.run()
    assert names(bridge) == ["card"]


_LOCKED = "overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n"


def test_a_locked_root_is_shown_with_its_overlay(make_bridge: MakeBridge) -> None:
    bridge = make_bridge(read_only_root=True)
    write(bridge.paths.root, "proc/self/mounts", _LOCKED)
    bridge.minutes(90)
    assert names(bridge) == []
    found = bridge.state.vitals
    assert found["root_locked"]
    assert (found["root_memory_free_mib"], found["root_memory_mib"]) == (600, 1000)


def test_an_unlocked_root_that_should_be_locked_is_a_warning_after_an_hour(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge(read_only_root=True)
    write(bridge.paths.root, "proc/self/mounts", "/dev/root / ext4 rw 0 0\n")
    bridge.minutes(58)
    assert names(bridge) == []
    bridge.minutes(2)
    assert names(bridge) == ["root_unlocked"]
    assert bridge.state.vitals["root_memory_mib"] is None


def test_an_unlocked_root_that_may_be_unlocked_is_not_a_warning(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    write(bridge.paths.root, "proc/self/mounts", "/dev/root / ext4 rw 0 0\n")
    bridge.minutes(90)
    assert names(bridge) == []


@pytest.mark.parametrize(("free", "expected"), [(39, ["root_memory"]), (40, [])])
def test_a_nearly_full_overlay_is_a_warning(free: int, expected: list[str]) -> None:
    found = Vitals(root_locked=True, root_memory_free_mib=free, root_memory_mib=200)
    assert [each.name for each in warnings(CONFIG, found, None, frozenset(), {})] == expected


def test_a_port_that_another_program_holds_is_a_warning(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    write(bridge.paths.root, "run/pvs-bridge-taken-ports", "PVS_BRIDGE_TAKEN_9002=yes\n")
    bridge.minutes(2)
    assert names(bridge) == ["port_9002"]
    assert "port 9002" in bridge.state.warnings[0]["problem"]
    write(bridge.paths.root, "run/pvs-bridge-taken-ports", "")
    bridge.minutes(2)
    assert names(bridge) == []


def test_a_full_flash_of_the_pvs_is_a_warning_until_the_next_reading(
    make_bridge: MakeBridge,
) -> None:
    bridge = make_bridge()
    devices = make_devices()
    devices[0]["dl_flash_avail"] = "9000"
    bridge.probe.answers = [make_reply(body=make_body(devices))]
    bridge.run()
    bridge.minutes(3)
    assert names(bridge) == ["flash"]
    bridge.minutes(2)
    assert names(bridge) == []


def test_a_restart_of_the_pvs_is_an_event(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.run()
    devices = make_devices()
    devices[0]["dl_uptime"] = "400"
    bridge.probe.answers = [make_reply(body=make_body(devices))]
    bridge.minutes(5)
    assert bridge.texts == ["the PVS restarted 6 min ago"]
