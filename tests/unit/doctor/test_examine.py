"""The whole chain, judged by what a Pi has said; and how a person reads it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest
from unit.doctor.conftest import Record

from bridgectl.doctor.examine import Examination, judge
from bridgectl.doctor.remote_probe import RemoteProbe
from bridgectl.doctor.report import text
from bridgectl.doctor.results import BROKEN, OK, UNKNOWN, WARNING, Finding, Group
from bridgectl.doctor.session import ScriptResult
from bridgectl.doctor.ssh_config import Settings
from bridgectl.doctor.target import Target

NOW = 1_800_000_000.0
LIST = {
    "result": "succeed",
    "devices": [{"DEVICE_TYPE": "PVS", "SERIAL": "ZT190585000549A6185", "MODEL": "PVS6"}],
}
# Behind a jump host, this computer asks the bridge for nothing by itself.
PROXY = "exec nc garage 22"

Judge = Callable[..., dict[str, Finding]]


def http(status: int, body: object) -> bytes:
    """Write an answer of the PVS's."""
    text = json.dumps(body)
    head = [f"HTTP/1.1 {status} X", "Via: 1.1 pvs-bridge", f"Content-Length: {len(text)}"]
    return "\r\n".join([*head, "", text]).encode()


def information(build: int) -> bytes:
    """Write what a PVS says of itself."""
    return http(200, {"supervisor": {"MODEL": "PVS6", "BUILD": build, "SERIAL": "ZT1"}})


@pytest.fixture
def judged(record: Record, target: Target, settings: Callable[..., Settings]) -> Judge:
    """Judge a Pi; what its shell is asked beside the probe is answered by the words in it."""

    def found(
        answers: dict[str, ScriptResult], said: dict[str, str | None], **others: object
    ) -> dict[str, Finding]:
        def run(script: str, seconds: float) -> ScriptResult:
            del seconds
            return next(
                (each for word, each in answers.items() if word in script), ScriptResult(0, b"")
            )

        groups, _ = judge(
            dataclasses.replace(target, **others),  # type: ignore[arg-type] # of any field
            settings("garage", proxy=PROXY),
            record(**said),
            RemoteProbe(record(**said), run),
            NOW,
        )
        return {each.title: each for group in groups for each in group.findings}

    return found


def test_a_chain_that_is_whole_is_told_in_its_order(judged: Judge) -> None:
    found = judged(
        {
            "DeviceList": ScriptResult(0, http(200, LIST)),
            "supervisor/info": ScriptResult(0, information(61707)),
        },
        {},
    )
    assert {each.title for each in found.values() if each.state == BROKEN} == set()
    assert list(found)[10:] == [
        "Wi-Fi", "Home network", "Home router", "Names", "Cable to the PVS", "Address from PVS",
        "Default route", "PVS's neighbour entry", "PVS reachable", "Services of the bridge",
        "Proxy on the Pi", "Firmware", "Device list", "From this computer",
    ]  # fmt: skip
    assert found["Firmware"].seen == "PVS6, build 61707: answers DeviceList by itself"


def test_a_locked_firmware_that_the_bridge_answers_for_is_no_fault(judged: Judge) -> None:
    listed = http(200, LIST).replace(b"pvs-bridge", b"pvs-bridge-compat")
    found = judged(
        {
            "DeviceList": ScriptResult(0, listed),
            "supervisor/info": ScriptResult(0, information(61846)),
        },
        {},
    )
    assert (found["Firmware"].state, found["Device list"].state) == (OK, OK)
    assert "the bridge answers in its place" in found["Firmware"].seen


def test_a_locked_firmware_that_nobody_answers_for_is_named(judged: Judge) -> None:
    found = judged(
        {
            "DeviceList": ScriptResult(0, http(403, {})),
            "supervisor/info": ScriptResult(0, information(61846)),
        },
        {},
        translates=False,
    )
    assert found["Firmware"].seen == "PVS6, build 61846: has closed DeviceList"
    assert found["Device list"].state == BROKEN
    assert "61846" in str(found["Device list"].problem)


def test_a_proxy_that_is_down_is_named_once(judged: Judge) -> None:
    refused = ScriptResult(1, b"bash: connect: Connection refused")
    down = "Id=haproxy.service\nLoadState=loaded\nActiveState=failed\n\n" \
        "Id=pvs-bridge-compat.service\nLoadState=loaded\nActiveState=active"  # fmt: skip
    found = judged({"127.0.0.1": refused}, {"services": down})
    assert found["Services of the bridge"].seen == "not running: haproxy"
    assert found["Proxy on the Pi"].state == BROKEN
    assert (found["Firmware"].state, found["Device list"].state) == (UNKNOWN, UNKNOWN)


def test_a_pi_that_is_no_bridge_is_told_from_one_that_is_ill(judged: Judge) -> None:
    found = judged({}, {"services": ""})
    assert found["Services of the bridge"].seen == "not installed: haproxy, pvs-bridge-compat"
    assert found["Services of the bridge"].hint == "make provision LIMIT=garage"


def test_an_address_that_nobody_has_claimed_is_told(judged: Judge) -> None:
    found = judged({"172.27.153.1": ScriptResult(124, b"")}, {"neighbour": "", "ping": None})
    seen = found["PVS's neighbour entry"].seen
    assert seen == "nobody has claimed its address; no answer to a ping"
    assert found["PVS reachable"].state == BROKEN


def test_a_card_before_its_first_boot_has_no_home_yet(judged: Judge) -> None:
    found = judged({}, {}, uplink_type="none")
    assert found["Home network"].state == UNKNOWN
    assert "Home router" not in found


@pytest.mark.parametrize("width", [20, 72, 500])
def test_a_report_names_the_first_broken_link_and_fits_its_page(target: Target, width: int) -> None:
    group = Group(
        "To the PVS",
        (
            Finding("Cable", BROKEN, "eth0 has no signal " * 9, "No cable. " * 20, "Push. " * 30),
            Finding("Lease", BROKEN, "none", "No lease.", "Wait."),
            Finding("Clock", WARNING, "wrong", "It is wrong.", "Wait."),
        ),
    )
    told = text(Examination(target, (group,), None, 3.4, None), width)
    assert "garage is ill, examined in 3 s.\nThe first broken link: Cable\n" in told
    assert told.index("Broken too, perhaps by the same: Lease") < told.index("Not as it should be")
    assert max(map(len, told.splitlines())) <= max(50, min(width, 110))
    assert "\x1b" not in told
    assert "\x1b[31mbroken " in text(
        Examination(target, (group,), None, 3.4, None), width, colours=True
    )


def test_a_healthy_bridge_shows_its_plant(target: Target) -> None:
    group = Group("To the PVS", (Finding("Cable", OK, "eth0 has a signal"),))
    told = text(Examination(target, (group,), "PVS6, 24 panels, 6.19 kW", 2.0, None), 80)
    assert told.endswith("garage is healthy, examined in 2 s.\nPVS6, 24 panels, 6.19 kW")
