"""The health check names the broken link."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pvs_lab.lab_client import LabClient


def report_of(lab: LabClient) -> dict[str, Any]:
    """Return the report of the Pi's own check."""
    found: dict[str, Any] = json.loads(lab.run("bridge", "pvs-bridge health --json")[1])
    return found


@pytest.fixture(autouse=True)
def healthy_again(lab: LabClient) -> Iterator[None]:
    """Start and end with a healthy bridge; start without an answer in the proxy's cache."""
    lab.output("bridge", "systemctl restart haproxy")
    yield
    assert lab.until(lambda: report_of(lab)["healthy"], 60), report_of(lab)


def test_a_bridge_that_works_is_healthy(lab: LabClient) -> None:
    assert lab.until(lambda: report_of(lab)["healthy"], 60), report_of(lab)
    assert lab.run("bridge", "pvs-bridge health")[0] == 0


def test_a_pulled_cable_is_named(lab: LabClient) -> None:
    lab.say("cable", "pvs", "out")
    try:
        assert lab.until(lambda: report_of(lab)["broken_link"] == "cable", 10), report_of(lab)
        status, printed = lab.run("bridge", "pvs-bridge health")
    finally:
        lab.say("cable", "pvs", "in")
    assert status == 1
    assert "cable" in printed


def test_a_proxy_that_is_down_is_named(lab: LabClient) -> None:
    lab.output("bridge", "systemctl stop haproxy")
    found = report_of(lab)
    lab.output("bridge", "systemctl start haproxy")
    assert found["broken_link"] == "proxy"


def test_an_uplink_without_a_cable_is_named(lab: LabClient) -> None:
    lab.say("cable", "home", "out")
    try:
        assert lab.until(lambda: report_of(lab)["broken_link"] == "uplink", 20), report_of(lab)
    finally:
        lab.say("cable", "home", "in")


def test_a_pvs_that_restarts_is_named(lab: LabClient) -> None:
    lab.simulator("/_sim/restart", {"seconds": 6, "phases": {"503": 1}})
    assert report_of(lab)["outcome"] == "pvs_restarting"


def test_a_pvs_that_is_off_is_named(lab: LabClient) -> None:
    lab.say("pvs-off")
    try:
        found = report_of(lab)
    finally:
        lab.say("pvs-on")
    assert found["broken_link"] == "pvs"


def test_locked_firmware_is_healthy(lab: LabClient, variables: dict[str, Any]) -> None:
    lab.simulator("/_sim/firmware", {"build": 61846})
    try:
        found = report_of(lab)
    finally:
        lab.simulator("/_sim/firmware", {"build": 61707})
    assert found["healthy"], found
    assert found["interface"] == ("new" if variables["compat_mode"] == "off" else "translated")
    # The proxy serves its cached answer for a while.
    assert lab.until(lambda: report_of(lab)["interface"] == "old", 60), report_of(lab)


def test_a_night_is_healthy(lab: LabClient) -> None:
    lab.simulator("/_sim/clock", {"now": "2026-06-21T08:00:00Z"})
    try:
        found = report_of(lab)
    finally:
        lab.simulator("/_sim/clock", {"now": "2026-06-21T20:00:00Z"})
    assert found["healthy"], found
    assert "asleep" in found["text"]
