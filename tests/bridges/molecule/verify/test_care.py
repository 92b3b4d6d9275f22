"""The monitor and the status page: HTML, JSON and Prometheus."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from testinfra.host import Host

from pvs_lab.lab_client import LabClient

_SAMPLE = re.compile(r'[a-z_]+(\{([a-z_]+="[^"\n]*",?)*\})? -?[0-9.e+]+')


@pytest.fixture
def page(url: str) -> str:
    """The start of a command that reads the page from the home."""
    return f"curl --fail --silent --show-error {url}/bridge"


def test_monitor_and_page_run_and_start_at_boot(bridge: Host) -> None:
    timer = bridge.service("pvs-bridge-monitor.timer")
    assert timer.is_running
    assert timer.is_enabled
    service = bridge.service("pvs-bridge-status")
    assert service.is_running
    assert service.is_enabled


def test_the_home_sees_a_healthy_bridge(lab: LabClient, page: str) -> None:
    assert "<title>PVS bridge</title>" in lab.output("client", f"{page}/")

    def seen() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(lab.output("client", f"{page}/status.json"))
        return found

    # The first run is 20 seconds after the start of the timer.
    assert lab.until(lambda: bool(seen()["links"]), 90)
    lab.output("bridge", "systemctl start pvs-bridge-monitor.service")
    assert lab.until(lambda: bool(seen()["healthy"]), 90), seen()
    assert seen()["plant"]["total"]["panels"] > 0


def test_prometheus_can_read_both(lab: LabClient, page: str) -> None:
    lines = lab.output("client", f"{page}/metrics").splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert len(samples) > 20
    assert [line for line in samples if "pvs_bridge_info" not in line
            and not _SAMPLE.fullmatch(line)] == []  # fmt: skip
    assert "\nhaproxy_process_" in lab.output("client", f"{page}/haproxy-metrics")


def test_only_root_and_haproxy_can_read_the_state(bridge: Host) -> None:
    with bridge.sudo():
        state = bridge.file("/run/pvs-bridge-monitor/state.json")
        assert (state.user, state.group, state.mode) == ("root", "haproxy", 0o640)
    assert bridge.run("cat /run/pvs-bridge-monitor/state.json").rc != 0


def test_mdns_announces_the_bridge_if_configured(lab: LabClient, variables: dict[str, Any]) -> None:
    ask = "dig +short +time=2 +tries=2 -p 5353 @192.168.20.20 _http._tcp.local PTR"
    wanted = variables["uplink_mdns"] and variables["bridge_mode"] != "routed"
    assert ("path=/bridge/" in lab.run("client", ask)[1]) == wanted
    announced = "dig +short +time=2 +tries=1 -p 5353 @192.168.20.20 _pvs6._tcp.local PTR"
    assert "serialnum" not in lab.run("client", announced)[1]
