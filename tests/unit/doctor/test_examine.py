"""All checks in their order, and the report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest
from unit.doctor.conftest import MakeOutput

from bridgectl.doctor.examine import Examination, check_bridge
from bridgectl.doctor.remote_probe import RemoteProbe
from bridgectl.doctor.report import text
from bridgectl.doctor.results import BROKEN, OK, UNKNOWN, Group, Result, broken, ok, warning
from bridgectl.doctor.session import ScriptResult
from bridgectl.doctor.ssh_config import Settings
from bridgectl.doctor.target import Target

NOW = 1_800_000_000.0
LIST = {
    "result": "succeed",
    "devices": [
        {"DEVICE_TYPE": "PVS", "SERIAL": "ZT190585000549A6185", "MODEL": "PVS6"},
        {"DEVICE_TYPE": "Inverter", "SERIAL": "E00121001", "STATE": "working", "p_3phsum_kw": "1"},
    ],
}
# Behind a jump host, this computer sends no request to the bridge.
PROXY = "exec nc garage 22"

Check = Callable[..., dict[str, Result]]


def http(status: int, body: object) -> bytes:
    """Return an HTTP response of the PVS."""
    text = json.dumps(body)
    head = [f"HTTP/1.1 {status} X", "Via: 1.1 pvs-bridge", f"Content-Length: {len(text)}"]
    return "\r\n".join([*head, "", text]).encode()


def information(build: int) -> bytes:
    """Return the PVS's answer to supervisor/info."""
    return http(200, {"supervisor": {"MODEL": "PVS6", "BUILD": build, "SERIAL": "ZT1"}})


@pytest.fixture
def check(make_output: MakeOutput, target: Target, settings: Callable[..., Settings]) -> Check:
    """Check a Pi; scripts after the probe are answered by a word that they contain."""

    def found(
        answers: dict[str, ScriptResult], said: dict[str, str | None], **others: object
    ) -> dict[str, Result]:
        def run(script: str, seconds: float) -> ScriptResult:
            del seconds
            return next(
                (each for word, each in answers.items() if word in script), ScriptResult(0, b"")
            )

        groups, _ = check_bridge(
            dataclasses.replace(target, **others),  # type: ignore[arg-type] # of any field
            settings("garage", proxy=PROXY),
            make_output(**said),
            RemoteProbe(make_output(**said), run),
            NOW,
        )
        return {each.title: each for group in groups for each in group.results}

    return found


def test_all_results_of_a_healthy_bridge_in_their_order(check: Check) -> None:
    found = check(
        {
            "DeviceList": ScriptResult(0, http(200, LIST)),
            "supervisor/info": ScriptResult(0, information(61707)),
            "nft list chain": ScriptResult(0, b"tcp dport { 80, 443, 9002 } jump counted"),
        },
        {},
    )
    assert {each.title for each in found.values() if each.state == BROKEN} == set()
    assert list(found)[10:] == [
        "Wi-Fi", "Home network", "Home router", "Names", "Cable to the PVS", "Address from PVS",
        "Default route", "PVS's neighbour entry", "PVS reachable", "Services of the bridge",
        "Proxy on the Pi", "Open to the home", "Firmware", "Device list", "From this computer",
    ]  # fmt: skip
    assert found["Firmware"].seen == "PVS6, build 61707: the PVS answers DeviceList"


def test_a_locked_firmware_with_the_compat_service_is_healthy(check: Check) -> None:
    listed = http(200, LIST).replace(b"pvs-bridge", b"pvs-bridge-compat")
    found = check(
        {
            "DeviceList": ScriptResult(0, listed),
            "supervisor/info": ScriptResult(0, information(61846)),
        },
        {},
    )
    assert (found["Firmware"].state, found["Device list"].state) == (OK, OK)
    assert "the compat service answers it" in found["Firmware"].seen


def test_a_locked_firmware_without_the_compat_service_is_broken(check: Check) -> None:
    found = check(
        {
            "DeviceList": ScriptResult(0, http(403, {})),
            "supervisor/info": ScriptResult(0, information(61846)),
        },
        {},
        translates=False,
    )
    assert found["Firmware"].seen == "PVS6, build 61846: DeviceList is closed"
    assert found["Device list"].state == BROKEN
    assert "61846" in str(found["Device list"].issue)


def test_a_stopped_proxy_is_reported_once(check: Check) -> None:
    refused = ScriptResult(1, b"bash: connect: Connection refused")
    down = "Id=haproxy.service\nLoadState=loaded\nActiveState=failed\n\n" \
        "Id=pvs-bridge-compat.service\nLoadState=loaded\nActiveState=active"  # fmt: skip
    found = check({"127.0.0.1": refused}, {"services": down})
    assert found["Services of the bridge"].seen == "not running: haproxy"
    assert found["Proxy on the Pi"].state == BROKEN
    assert (found["Firmware"].state, found["Device list"].state) == (UNKNOWN, UNKNOWN)


def test_a_pi_that_is_not_provisioned_is_reported(check: Check) -> None:
    found = check({}, {"services": ""})
    assert found["Services of the bridge"].seen == "not installed: haproxy, pvs-bridge-compat"
    issue = found["Services of the bridge"].issue
    assert issue is not None
    assert issue.hint == "make provision LIMIT=garage"


def test_an_unused_pvs_address_is_reported(check: Check) -> None:
    found = check({"172.27.153.1": ScriptResult(124, b"")}, {"neighbour": "", "ping": None})
    seen = found["PVS's neighbour entry"].seen
    assert seen == "no machine has the PVS's address; does not answer pings"
    assert found["PVS reachable"].state == BROKEN


@pytest.mark.parametrize(
    ("connected", "problem"),
    [
        (ScriptResult(0, b""), None),
        (ScriptResult(124, b""), "Nothing answers at pvs6.local"),
        (
            ScriptResult(1, b"bash: pvs6.local: Name or service not known"),
            "No machine in the home network answers to the PVS's name, pvs6.local.",
        ),
    ],
)
def test_a_pvs_at_home_has_no_cable(
    check: Check, connected: ScriptResult, problem: str | None
) -> None:
    found = check(
        {"pvs6.local": connected},
        {},
        pvs_at_home=True,
        pvs_interface="wlan0",
        pvs_address="pvs6.local",
    )
    assert not {"Cable to the PVS", "Address from PVS", "Default route"} & {*found}
    issue = found["PVS reachable"].issue
    assert issue is None if problem is None else issue and issue.problem.startswith(problem)
    assert "cable" not in str(issue)


def test_a_bridge_without_uplink_has_no_home_results(check: Check) -> None:
    found = check({}, {}, uplink_type="none")
    assert found["Home network"].state == UNKNOWN
    assert "Home router" not in found


@pytest.mark.parametrize("width", [20, 72, 500])
def test_a_report_names_the_first_broken_check_and_fits_its_width(
    target: Target, width: int
) -> None:
    group = Group(
        "To the PVS",
        (
            broken("Cable", "eth0 has no signal " * 9, "No cable. " * 20, "Push. " * 30),
            broken("Lease", "none", "No lease.", "Wait."),
            warning("Clock", "wrong", "It is wrong.", "Wait."),
        ),
    )
    told = text(Examination(target, (group,), None, 3.4, None), width)
    assert "garage is broken (checked in 3 s).\nFirst broken check: Cable\n" in told
    assert told.index("Also broken, possibly by the same cause: Lease") < told.index("Warning: ")
    assert max(map(len, told.splitlines())) <= max(50, min(width, 110))
    assert "\x1b" not in told
    assert "\x1b[31mbroken " in text(
        Examination(target, (group,), None, 3.4, None), width, colours=True
    )


def test_a_healthy_bridge_shows_its_plant(target: Target) -> None:
    group = Group("To the PVS", (ok("Cable", "eth0 has a signal"),))
    told = text(Examination(target, (group,), "PVS6, 24 panels, 6.19 kW", 2.0, None), 80)
    assert told.endswith("garage is healthy (checked in 2 s).\nPVS6, 24 panels, 6.19 kW")
