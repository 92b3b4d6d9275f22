"""What is wrong with a Pi is told from what is not, by what it has said."""

from __future__ import annotations

import dataclasses

import pytest
from unit.doctor.conftest import WELL, Record, printed

from bridgectl.doctor.pi_checks import check_home, check_pi
from bridgectl.doctor.probe_output import ProbeOutput
from bridgectl.doctor.results import BROKEN, OK, UNKNOWN, WARNING
from bridgectl.doctor.target import Target

LOCKED = (
    "/dev/mmcblk0p2 /media/root-ro ext4 ro,noatime 0 0\n"
    "overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n"
    "/dev/mmcblk0p2 /var/lib/pvs-bridge ext4 {},noatime 0 0"
)
NOW = 1_800_000_000.0


def test_a_pi_that_is_well_has_nothing_wrong(record: Record, target: Target) -> None:
    found = check_pi(record(), NOW) + check_home(record(), target)
    assert {each.title: each.state for each in found if each.state != OK} == {}
    assert found[0].seen == (
        "Debian GNU/Linux 13 (trixie), Raspberry Pi Zero 2 W Rev 1.0, up for 2 days"
    )


DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/root {} /"
FAULTS = [
    ("Power", BROKEN, {"throttled": "throttled=0x50005"}, "too little voltage now"),
    ("Power", WARNING, {"throttled": "50000"}, "since it booted"),
    ("Power", WARNING, {"throttled": "80008"}, "slowed down now"),
    ("Power", WARNING, {"throttled": "e0000"}, "slowed down since it booted"),
    ("Temperature", WARNING, {"temperature": "83500"}, "84 °C"),
    ("Card", BROKEN, {"mounts": "/dev/mmcblk0p2 / ext4 ro,noatime 0 0"}, "read-only"),
    ("Card", BROKEN, {"space": DF.format("1000 1000 0 100%")}, "no space left"),
    ("Card", BROKEN, {"inodes": DF.format("1000 1000 0 100%")}, "no file system entries left"),
    ("Card", WARNING, {"space": DF.format("1000000 960000 40000 96%")}, "4 % free, 39 MiB"),
    ("Card", BROKEN, {"mounts": LOCKED.format("ro")}, "read-only"),
    (
        "Root",
        WARNING,
        {"mounts": LOCKED.format("rw"), "root_memory": DF.format("200000 170000 30000 85%")},
        "locked, 15 % of its memory free",
    ),
    ("Root", WARNING, {"root_lock": 'overlayroot="disabled"'}, "unlocked"),
    ("Repair at boot", WARNING, {"boot_options": "root=/dev/x fsck.repair=no"}, "no fsck.repair"),
    ("Memory", WARNING, {"memory": "MemTotal: 425000 kB\nMemAvailable: 9000 kB"}, "8 of 415 MiB"),
    ("Clock", WARNING, {"clock": "12"}, "behind"),
    ("Clock", WARNING, {"clock": "1800000500"}, "500 s ahead of"),
    ("Python", BROKEN, {"python": None}, "it failed"),
    ("Services", WARNING, {"failed": "x.service loaded failed failed X"}, "failed: x.service"),
    ("Network change", WARNING, {"pending": '{"controller": "anna@laptop"}'}, "anna@laptop"),
    ("Network change", WARNING, {"pending": "half a fi"}, "by somebody"),
    ("Radio", BROKEN, {"radio": "1 0"}, "by software"),
    ("Radio", BROKEN, {"radio": "0 0\n0 1"}, "by a switch"),
    (
        "Wi-Fi",
        BROKEN,
        {"association": "Not connected.", "supplicant": "wpa_state=4WAY_HANDSHAKE\nuuid=1"},
        "in no network (4WAY_HANDSHAKE)",
    ),
    (
        "Wi-Fi",
        WARNING,
        {"association": "Connected to 3c:84:6a:01:02:03\n\tSSID: far\n\tsignal: -84 dBm"},
        "in 'far', -84 dBm",
    ),
    ("Names", WARNING, {"names": None}, "not known"),
]


@pytest.mark.parametrize(("title", "state", "said", "seen"), FAULTS)
def test_a_fault_is_found_and_no_other(
    record: Record,
    target: Target,
    title: str,
    state: str,
    said: dict[str, str | None],
    seen: str,
) -> None:
    found = check_pi(record(**said), NOW) + check_home(record(**said), target)
    (fault,) = (each for each in found if each.state != OK)
    assert (fault.title, fault.state) == (title, state)
    assert seen in fault.seen
    assert fault.problem
    assert fault.hint


def test_a_locked_root_is_told_and_is_no_worn_out_card(record: Record) -> None:
    found = {
        each.title: each
        for each in check_pi(
            record(
                mounts=LOCKED.format("rw"),
                root_memory=DF.format("200000 20000 180000 10%"),
                root_lock='overlayroot="tmpfs:recurse=0"',
            ),
            NOW,
        )
    }
    assert (found["Root"].state, found["Root"].seen) == (OK, "locked, 90 % of its memory free")
    assert found["Card"].state == OK


def test_a_root_that_nobody_wants_locked_is_not_spoken_of(record: Record) -> None:
    assert "Root" not in [each.title for each in check_pi(record(), NOW)]


def test_a_router_that_does_not_answer_pings_is_named(target: Target) -> None:
    text = printed(dict(WELL)).replace("@gateway 0", "@gateway 1")
    found = {each.title: each for each in check_home(ProbeOutput.read(text), target)}
    assert found["Home router"].state == WARNING
    assert found["Home router"].seen == "192.168.1.1 does not answer pings"


@pytest.mark.parametrize(
    "name", ["throttled", "temperature", "space", "memory", "clock", "failed", "radio"]
)
def test_what_a_pi_cannot_tell_is_no_fault(record: Record, target: Target, name: str) -> None:
    output = record(**{name: None})
    found = check_pi(output, NOW) + check_home(output, target)
    assert {each.state for each in found} == {OK, UNKNOWN}


def test_a_cable_has_no_radio(record: Record, target: Target) -> None:
    by_cable = dataclasses.replace(target, uplink_type="ethernet")
    titles = [each.title for each in check_home(record(radio="1 0"), by_cable)]
    assert titles == ["Home router", "Names"]


def test_an_answer_that_broke_off_is_missing_and_nothing_else_is() -> None:
    whole = printed(dict(WELL))
    cut = ProbeOutput.read(whole[: whole.index("@services")])
    assert cut["failed"].good == ""
    assert cut["services"].good is None
    assert cut.services() == {}


def test_a_network_s_name_is_not_taken_for_an_answer(record: Record) -> None:
    output = record(association="Connected\n\tSSID: x\n@throttled 0\n\tsignal: -50 dBm")
    assert output["throttled"].text == "0"
    assert "@throttled 0" in output["association"].text
