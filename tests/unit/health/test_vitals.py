"""The one judgement of the Pi's vitals, which page, metrics and doctor share."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from bridgectl.doctor import pi_checks
from bridgectl.doctor.probe_output import CommandOutput, ProbeOutput
from pvs_bridge.host import sensors
from pvs_bridge.host.vitals import Limits, Vitals, judge, read_throttled

LIMITS = Limits(temperature_celsius=75, signal_dbm=-75, card_free_mib=300)
GOOD = Vitals(
    under_voltage=False,
    under_voltage_now=False,
    throttled=False,
    throttled_since_start=False,
    temperature_celsius=50.0,
    signal_dbm=-50,
    card_free_mib=5000,
    card_free_entries=100_000,
    card_read_only=False,
    memory_free_mib=200,
    memory_mib=430,
    up_seconds=7200,
)


def test_a_good_pi_and_an_unknown_one_have_no_warning() -> None:
    assert judge(GOOD, LIMITS) == []
    assert judge(Vitals(), LIMITS) == []


@pytest.mark.parametrize(
    ("change", "name", "severe"),
    [
        ({"under_voltage": True, "under_voltage_now": True}, "under_voltage", True),
        ({"under_voltage": True}, "under_voltage", False),
        ({"temperature_celsius": 75.0}, "temperature", False),
        ({"throttled": True, "throttled_since_start": True}, "throttled", False),
        ({"throttled_since_start": True}, "throttled", False),
        ({"signal_dbm": -76}, "signal", False),
        ({"card_free_mib": 299}, "card", False),
        ({"card_free_mib": 0}, "card", True),
        ({"card_free_entries": 0}, "card", True),
        ({"card_read_only": True}, "card", True),
        ({"memory_free_mib": 21}, "memory", False),
        ({"root_memory_free_mib": 19, "root_memory_mib": 100}, "root_memory", False),
    ],
)
def test_each_vital_beyond_its_limit_is_one_warning_with_a_hint(
    change: dict[str, object], name: str, severe: bool
) -> None:
    (warning,) = judge(dataclasses.replace(GOOD, **change), LIMITS)  # type: ignore[arg-type]
    assert (warning.name, warning.severe) == (name, severe)
    assert warning.problem
    assert warning.hint


def test_the_limits_are_the_bridge_s_own() -> None:
    found = dataclasses.replace(GOOD, temperature_celsius=78.0, signal_dbm=-78, card_free_mib=400)
    assert [each.name for each in judge(found, LIMITS)] == ["temperature", "signal"]
    other = Limits(temperature_celsius=79, signal_dbm=-79, card_free_mib=500)
    assert [each.name for each in judge(found, other)] == ["card"]


def test_heat_and_low_voltage_explain_the_slow_down() -> None:
    slow = dataclasses.replace(GOOD, throttled=True, throttled_since_start=True)
    hot = dataclasses.replace(slow, temperature_celsius=84.0)
    assert [each.name for each in judge(hot, LIMITS)] == ["temperature"]
    weak = dataclasses.replace(slow, under_voltage=True)
    assert [each.name for each in judge(weak, LIMITS)] == ["under_voltage"]


def test_an_active_warning_ends_only_well_within_the_limit() -> None:
    found = dataclasses.replace(GOOD, temperature_celsius=73.0)
    assert judge(found, LIMITS) == []
    assert [each.name for each in judge(found, LIMITS, frozenset({"temperature"}))] == [
        "temperature"
    ]


def test_a_root_that_should_be_locked_may_be_unlocked_for_an_hour() -> None:
    limits = dataclasses.replace(LIMITS, read_only_root=True)
    unlocked = dataclasses.replace(GOOD, root_locked=False)
    assert [each.name for each in judge(unlocked, limits)] == ["root_unlocked"]
    assert judge(dataclasses.replace(unlocked, up_seconds=3599), limits) == []
    assert judge(unlocked, LIMITS) == []


def test_damaged_packets_need_a_run_before() -> None:
    found = dataclasses.replace(GOOD, errors={"eth0": 120})
    assert judge(found, LIMITS) == []
    assert [each.name for each in judge(found, LIMITS, errors_before={"eth0": 100})] == [
        "errors_eth0"
    ]
    assert judge(found, LIMITS, errors_before={"eth0": 101}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0x0", (False, False, False, False)),
        ("throttled=0x50000", (False, True, False, True)),
        ("50005\n", (True, True, True, True)),
        ("0x80008", (False, False, False, False)),
        ("nonsense", None),
        ("", None),
    ],
)
def test_get_throttled_is_decoded(text: str, expected: tuple[bool, ...] | None) -> None:
    found = read_throttled(text)
    assert (None if found is None else dataclasses.astuple(found)) == expected


_FILES = {
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0x0",
    "sys/class/thermal/thermal_zone0/temp": "78000",
    "proc/net/wireless": " wlan0: 0000   48.  -78.  -256  0  0  0  0  9  0",
    "proc/meminfo": "MemTotal:         425000 kB\nMemAvailable:     240000 kB",
    "proc/self/mounts": "/dev/mmcblk0p2 / ext4 rw,noatime 0 0",
}
_COMMANDS = {
    "throttled": "0x0",
    "temperature": "78000",
    "association": "Connected to 3c:84:6a:01:02:03 (on wlan0)\n\tSSID: Sunny\n\tsignal: -78 dBm",
    "memory": _FILES["proc/meminfo"],
    "mounts": _FILES["proc/self/mounts"],
    "space": "Filesystem 1024-blocks Used Available Capacity Mounted on\n"
    "/dev/root 2097152 1841152 256000 88% /",
    "inodes": "Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/root 960000 1 900000 1% /",
}


def test_the_monitor_and_the_doctor_agree_about_the_same_pi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in _FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    kib = os.statvfs_result((1024, 1024, 2097152, 256000, 256000, 960000, 900000, 900000, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: kib)
    on_the_pi = sensors.read_vitals(("eth0",), "wlan0", tmp_path, tmp_path)
    outputs = {name: CommandOutput(0, text) for name, text in _COMMANDS.items()}
    over_ssh = pi_checks.read_vitals(ProbeOutput(outputs))
    assert over_ssh == on_the_pi
    # The doctor used to warn only from 80 °C, below -80 dBm and below 5 %.
    found = [each.name for each in judge(over_ssh, LIMITS)]
    assert found == ["temperature", "signal", "card"]
