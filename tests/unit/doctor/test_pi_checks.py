"""Each fault of a Pi is found, and only this one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from unit.doctor.conftest import HEALTHY, LIMITS, MakeOutput, printed

from bridgectl.doctor.pi_checks import check_home, check_pi, read_vitals
from bridgectl.doctor.probe_output import ProbeOutput
from bridgectl.doctor.results import BROKEN, OK, UNKNOWN, WARNING
from bridgectl.doctor.target import Target
from pvs_bridge.config import MonitorConfig
from pvs_bridge.host.vitals import Vitals
from pvs_bridge.monitor.warnings import limits_of, warnings

LOCKED = (
    "/dev/mmcblk0p2 /media/root-ro ext4 ro,noatime 0 0\n"
    "overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n"
    "/dev/mmcblk0p2 /var/lib/pvs-bridge ext4 {},noatime 0 0"
)
NOW = 1_800_000_000.0


def test_a_healthy_pi_has_no_issues(make_output: MakeOutput, target: Target) -> None:
    found = check_pi(make_output(), target, NOW) + check_home(make_output(), target)
    assert {each.title: each.state for each in found if each.state != OK} == {}
    assert found[0].seen == (
        "Debian GNU/Linux 13 (trixie), Raspberry Pi Zero 2 W Rev 1.0, up for 2 days"
    )


DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/root {} /"
FAULTS = [
    ("Power", BROKEN, {"throttled": "throttled=0x50005"}, "low voltage now"),
    ("Power", WARNING, {"throttled": "50000"}, "low voltage since boot"),
    ("Power", WARNING, {"throttled": "40004"}, "throttled now"),
    ("Power", WARNING, {"throttled": "e0000"}, "throttled since boot"),
    ("Temperature", WARNING, {"temperature": "78500"}, "78 °C"),
    ("Card", BROKEN, {"mounts": "/dev/mmcblk0p2 / ext4 ro,noatime 0 0"}, "read-only"),
    ("Card", BROKEN, {"space": DF.format("1000 1000 0 100%")}, "0 MiB free"),
    ("Card", BROKEN, {"inodes": DF.format("1000 1000 0 100%")}, "no file system entries left"),
    ("Card", WARNING, {"space": DF.format("10000000 9800000 200000 98%")}, "195 MiB free"),
    ("Card", BROKEN, {"mounts": LOCKED.format("ro")}, "read-only"),
    (
        "Root",
        WARNING,
        {"mounts": LOCKED.format("rw"), "root_memory": DF.format("204800 174080 30720 85%")},
        "locked, 30 of 200 MiB of its memory free",
    ),
    ("Repair at boot", WARNING, {"boot_options": "root=/dev/x fsck.repair=no"}, "no fsck.repair"),
    ("Memory", WARNING, {"memory": "MemTotal: 425000 kB\nMemAvailable: 9000 kB"}, "8 of 415 MiB"),
    ("Clock", WARNING, {"clock": "12"}, "behind"),
    ("Clock", WARNING, {"clock": "1800000500"}, "500 s ahead of"),
    ("Python", BROKEN, {"python": None}, "it failed"),
    ("Services", WARNING, {"failed": "x.service loaded failed failed X"}, "failed: x.service"),
    ("Network change", WARNING, {"pending": '{"controller": "anna@laptop"}'}, "anna@laptop"),
    ("Network change", WARNING, {"pending": "half a fi"}, "by an unknown controller"),
    ("Radio", BROKEN, {"radio": "1 0"}, "by software"),
    ("Radio", BROKEN, {"radio": "0 0\n0 1"}, "by a switch"),
    (
        "Wi-Fi",
        BROKEN,
        {"association": "Not connected.", "supplicant": "wpa_state=4WAY_HANDSHAKE\nuuid=1"},
        "not connected (4WAY_HANDSHAKE)",
    ),
    (
        "Wi-Fi",
        WARNING,
        {"association": "Connected to 3c:84:6a:01:02:03\n\tSSID: far\n\tsignal: -78 dBm"},
        "connected to 'far', -78 dBm",
    ),
    ("Names", WARNING, {"names": None}, "cannot be resolved"),
]


@pytest.mark.parametrize(("title", "state", "said", "seen"), FAULTS)
def test_a_fault_is_found_and_no_other(
    make_output: MakeOutput,
    target: Target,
    title: str,
    state: str,
    said: dict[str, str | None],
    seen: str,
) -> None:
    found = check_pi(make_output(**said), target, NOW) + check_home(make_output(**said), target)
    (fault,) = (each for each in found if each.state != OK)
    assert (fault.title, fault.state) == (title, state)
    assert seen in fault.seen
    assert fault.issue is not None
    assert fault.issue.problem
    assert fault.issue.hint


def test_a_locked_root_is_ok_and_its_card_is_not_read_only(
    make_output: MakeOutput, target: Target
) -> None:
    output = make_output(
        mounts=LOCKED.format("rw"), root_memory=DF.format("204800 20480 184320 10%")
    )
    found = {each.title: each for each in check_pi(output, target, NOW)}
    assert (found["Root"].state, found["Root"].seen) == (
        OK,
        "locked, 180 of 200 MiB of its memory free",
    )
    assert found["Card"].state == OK


def test_an_unlocked_root_that_should_be_locked_is_a_warning(
    make_output: MakeOutput, target: Target
) -> None:
    limits = dataclasses.replace(LIMITS, read_only_root=True)
    locked = dataclasses.replace(target, limits=limits)
    found = {each.title: each for each in check_pi(make_output(), locked, NOW)}
    assert (found["Root"].state, found["Root"].seen) == (WARNING, "unlocked")
    # An update unlocks the root for less than an hour.
    short = {each.title: each for each in check_pi(make_output(uptime="90.5 1.0"), locked, NOW)}
    assert short["Root"].state == OK


def test_an_unlocked_root_has_no_result_by_default(make_output: MakeOutput, target: Target) -> None:
    assert "Root" not in [each.title for each in check_pi(make_output(), target, NOW)]


VITALS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"throttled": "50005"}, {"under_voltage": True, "under_voltage_now": True,
                              "throttled": True, "throttled_since_start": True}),
    ({"temperature": "74900"}, {"temperature_celsius": 74.9}),
    ({"temperature": "75000"}, {"temperature_celsius": 75.0}),
    ({"association": "Connected\n\tSSID: x\n\tsignal: -76 dBm"}, {"signal_dbm": -76}),
    ({"space": DF.format("10000000 9692800 307199 97%")}, {"card_free_mib": 299}),
    ({"space": DF.format("10000000 9692800 307200 97%")}, {"card_free_mib": 300}),
    ({"mounts": "/dev/mmcblk0p2 / ext4 ro 0 0"}, {"card_read_only": True}),
    ({"memory": "MemTotal: 425000 kB\nMemAvailable: 20000 kB"}, {"memory_free_mib": 19}),
]  # fmt: skip


@pytest.mark.parametrize(("said", "state"), VITALS)
def test_doctor_and_status_page_agree_about_the_same_pi(
    make_output: MakeOutput, target: Target, said: dict[str, str], state: dict[str, Any]
) -> None:
    healthy = Vitals(
        under_voltage=False,
        under_voltage_now=False,
        throttled=False,
        throttled_since_start=False,
        temperature_celsius=48.3,
        signal_dbm=-61,
        card_free_mib=11621,
        card_free_entries=900000,
        card_read_only=False,
        memory_free_mib=234,
        memory_mib=415,
        root_locked=False,
        up_seconds=180000.12,
    )
    vitals = dataclasses.replace(healthy, **state)
    # The doctor reads over SSH what the monitor reads from the kernel.
    assert read_vitals(make_output(**said)) == vitals
    config = MonitorConfig(
        backend="networkmanager",
        uplink_type="wifi",
        units=[],
        tables={},
        list_seconds=300,
        proxy_seconds=30,
        reboots=False,
        pvs_flash_free_mib=0,
        read_only_root=False,
        announce_pvs=False,
        announced_port=443,
        version="1",
        temperature_celsius=LIMITS.temperature_celsius,
        signal_dbm=LIMITS.signal_dbm,
        card_free_mib=LIMITS.card_free_mib,
    )
    assert limits_of(config) == target.limits
    page = {each.problem for each in warnings(config, vitals, None, frozenset(), {})}
    found = check_pi(make_output(**said), target, NOW) + check_home(make_output(**said), target)
    assert {each.issue.problem for each in found if each.issue} == page


def test_a_router_that_does_not_answer_pings_is_a_warning(target: Target) -> None:
    text = printed(dict(HEALTHY)).replace("@gateway 0", "@gateway 1")
    found = {each.title: each for each in check_home(ProbeOutput.read(text), target)}
    assert found["Home router"].state == WARNING
    assert found["Home router"].seen == "192.168.1.1 does not answer pings"


@pytest.mark.parametrize(
    "name", ["throttled", "temperature", "space", "memory", "clock", "failed", "radio"]
)
def test_a_missing_value_is_unknown_and_not_broken(
    make_output: MakeOutput, target: Target, name: str
) -> None:
    output = make_output(**{name: None})
    found = check_pi(output, target, NOW) + check_home(output, target)
    assert {each.state for each in found} == {OK, UNKNOWN}


def test_a_bridge_with_ethernet_has_no_radio_results(
    make_output: MakeOutput, target: Target
) -> None:
    by_cable = dataclasses.replace(target, uplink_type="ethernet")
    titles = [each.title for each in check_home(make_output(radio="1 0"), by_cable)]
    assert titles == ["Home router", "Names"]


def test_a_truncated_output_lacks_only_its_end() -> None:
    whole = printed(dict(HEALTHY))
    cut = ProbeOutput.read(whole[: whole.index("@services")])
    assert cut["failed"].good == ""
    assert cut["services"].good is None
    assert cut.services() == {}


def test_the_name_of_a_network_is_not_parsed_as_an_output(make_output: MakeOutput) -> None:
    output = make_output(association="Connected\n\tSSID: x\n@throttled 0\n\tsignal: -50 dBm")
    assert output["throttled"].text == "0"
    assert "@throttled 0" in output["association"].text
