"""What the Pi says of itself, and when it is worth a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.care.conftest import Watch
from unit.care.watching import CONFIG, Watched
from unit.health.conftest import make_body, make_devices, make_reply

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


def names(watched: Watched) -> list[str]:
    return [each["name"] for each in watched.memory.warnings]


@pytest.mark.parametrize(
    ("flags", "now", "since", "throttled"),
    [
        ("0x0", False, False, False),
        ("0x50000", False, True, False),
        ("50005\n", True, True, True),
        ("nonsense", None, None, None),
    ],
)
def test_the_firmware_s_flags_are_told(
    tmp_path: Path, flags: str, now: bool | None, since: bool | None, throttled: bool | None
) -> None:
    write(tmp_path, _THROTTLED, flags)
    found = read(tmp_path)
    told = (found.under_voltage_now, found.under_voltage, found.throttled)
    assert told == (now, since, throttled)


def test_without_the_firmware_the_kernel_s_sensor_is_asked(tmp_path: Path) -> None:
    write(tmp_path, "sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    write(tmp_path, "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    write(tmp_path, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert read(tmp_path).under_voltage


def test_a_computer_that_is_no_pi_says_what_it_can(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.under_voltage, found.temperature_celsius, found.signal_dbm) == (None, None, None)
    assert found.card_free_mib is not None


def test_a_warning_comes_once_stays_and_goes(watch: Watch) -> None:
    watched = watch()
    write(watched.places.root, _TEMPERATURE, "81200\n")
    watched.minutes(5)
    (warning,) = watched.memory.warnings
    assert (warning["name"], warning["since"]) == ("temperature", 120.0)
    assert warning["problem"] == "The Pi is hot: 81 °C."
    # A little cooler is not yet cool.
    write(watched.places.root, _TEMPERATURE, "73500\n")
    watched.minutes(1)
    assert names(watched) == ["temperature"]
    write(watched.places.root, _TEMPERATURE, "60000\n")
    watched.minutes(1)
    assert names(watched) == []
    assert [each["kind"] for each in watched.incidents] == ["warning", "cleared"]


def test_a_weak_wifi_is_worth_a_word(watch: Watch) -> None:
    watched = watch()
    write(watched.places.root, "proc/net/wireless", _WIRELESS.format(level=-81))
    watched.look()
    assert names(watched) == ["signal"]
    assert watched.memory.vitals["signal_dbm"] == -81


def test_packets_that_arrive_damaged_are(watch: Watch) -> None:
    watched = watch()
    errors = "sys/class/net/eth0/statistics/rx_errors"
    write(watched.places.root, errors, "1000\n")
    watched.look()
    assert names(watched) == []
    write(watched.places.root, errors, "1100\n")
    watched.minutes(1)
    assert names(watched) == ["errors_eth0"]


def test_a_full_card_is(watch: Watch) -> None:
    watched = watch(card_free_mib=100_000_000)
    watched.look()
    assert names(watched) == ["card"]


_LOCKED = "overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n"


def test_a_locked_root_is_told_with_the_memory_over_it(watch: Watch) -> None:
    watched = watch(read_only_root=True)
    write(watched.places.root, "proc/self/mounts", _LOCKED)
    watched.minutes(90)
    assert names(watched) == []
    found = watched.memory.vitals
    assert found["root_locked"]
    assert (found["root_memory_free_mib"], found["root_memory_mib"]) == (600, 1000)


def test_a_root_that_is_to_be_locked_may_be_unlocked_for_an_hour(watch: Watch) -> None:
    watched = watch(read_only_root=True)
    write(watched.places.root, "proc/self/mounts", "/dev/root / ext4 rw 0 0\n")
    watched.minutes(58)
    assert names(watched) == []
    watched.minutes(2)
    assert names(watched) == ["root_unlocked"]
    assert watched.memory.vitals["root_memory_mib"] is None


def test_a_root_that_is_not_to_be_locked_may_stay_so(watch: Watch) -> None:
    watched = watch()
    write(watched.places.root, "proc/self/mounts", "/dev/root / ext4 rw 0 0\n")
    watched.minutes(90)
    assert names(watched) == []


@pytest.mark.parametrize(("free", "expected"), [(39, ["root_memory"]), (40, [])])
def test_the_memory_over_a_locked_root_may_not_become_full(free: int, expected: list[str]) -> None:
    found = Vitals(root_locked=True, root_memory_free_mib=free, root_memory_mib=200)
    assert [each.name for each in warnings(CONFIG, found, None, frozenset(), {})] == expected


def test_a_full_flash_of_the_pvs_is_and_stays_so_between_two_readings(watch: Watch) -> None:
    watched = watch()
    devices = make_devices()
    devices[0]["dl_flash_avail"] = "9000"
    watched.world.answers = [make_reply(body=make_body(devices))]
    watched.look()
    watched.minutes(3)
    assert names(watched) == ["flash"]
    watched.minutes(2)
    assert names(watched) == []


def test_a_pvs_that_has_restarted_is_written_down(watch: Watch) -> None:
    watched = watch()
    watched.look()
    devices = make_devices()
    devices[0]["dl_uptime"] = "400"
    watched.world.answers = [make_reply(body=make_body(devices))]
    watched.minutes(5)
    assert watched.texts == ["the PVS has restarted, 6 min ago"]
