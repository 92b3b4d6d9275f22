"""The role's variables reach mqtt.json, and what the service says reaches page and health."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.template import trust_as_template
from unit.health.conftest import make_reply
from unit.monitor.monitored import MonitoredBridge, leave_room
from unit.mqtt.conftest import CONFIG, ROLE
from unit.status.test_document import made

from proxy_rig.rendering import render
from pvs_bridge.config import ConfigError, MqttConfig, check_config
from pvs_bridge.errors import Issue
from pvs_bridge.health.checks import check
from pvs_bridge.health.text import report_data
from pvs_bridge.host.paths import MQTT_ISSUE
from pvs_bridge.host.sensors import read_mqtt_issue
from pvs_bridge.mqtt.report import PATIENCE_SECONDS, Report

ISSUE = Issue("The MQTT broker does not answer", "Check mqtt_host.")


def configured(**chosen: Any) -> MqttConfig:  # noqa: ANN401 - any variable
    """Render mqtt.json for an inventory, and read it as the program does."""
    own = {
        name: trust_as_template(text)
        for name, text in yaml.safe_load((ROLE / "vars/main.yml").read_text()).items()
    }
    template = ROLE / "templates/etc/pvs-bridge/mqtt.json.j2"
    # The renderer accepts an absolute path.
    values = {"mqtt_host": "nas", **own, **chosen}
    return check_config(json.loads(render(str(template), values)), MqttConfig, "mqtt.json")


def test_by_default_it_has_home_assistant_s_topics() -> None:
    assert configured() == MqttConfig(
        host="nas",
        port=1883,
        user="",
        password="",
        tls=False,
        ca="",
        base_topic="pvs_bridge",
        discovery_prefix="homeassistant",
        name="bridge",
        page_url="http://bridge.local/bridge/",
    )


@pytest.mark.parametrize(
    ("chosen", "key", "value"),
    [
        ({"mqtt_port": 1884}, "port", 1884),
        ({"mqtt_tls_enabled": True}, "port", 8883),
        ({"mqtt_tls_enabled": True}, "tls", True),
        ({"mqtt_tls_ca": "a\nb"}, "ca", "a\nb"),
        ({"mqtt_user": "anna"}, "user", "anna"),
        ({"mqtt_password": 'say "hi" {{ 1 }}'}, "password", 'say "hi" {{ 1 }}'),
        ({"mqtt_base_topic": "home/solar"}, "base_topic", "home/solar"),
        ({"mqtt_discovery_prefix": "ha"}, "discovery_prefix", "ha"),
        ({"uplink_hostname": "roof"}, "name", "roof"),
        ({"proxy_http_port": 8000}, "page_url", "http://bridge.local:8000/bridge/"),
        ({"uplink_mdns": False}, "page_url", "http://bridge/bridge/"),
        ({"status_enabled": False}, "page_url", ""),
        ({"bridge_mode": "routed"}, "page_url", ""),
    ],
)
def test_each_variable_reaches_the_program(chosen: dict[str, Any], key: str, value: object) -> None:
    assert getattr(configured(**chosen), key) == value


def test_no_error_shows_the_password() -> None:
    values = {**vars(CONFIG), "password": 12345}
    with pytest.raises(ConfigError, match="password: must be a string") as raised:
        check_config(values, MqttConfig, "mqtt.json")
    assert "12345" not in str(raised.value)


class Told:
    """A report with a clock, and its journal."""

    def __init__(self, folder: Path) -> None:
        """Start at 0."""
        self.now, self.journal = 0.0, list[str]()
        self.path = folder / MQTT_ISSUE
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.report = Report(self.path, self.journal.append, lambda: self.now)


def test_an_issue_is_told_once_until_the_broker_works_again(tmp_path: Path) -> None:
    told = Told(tmp_path)
    other = Issue("The MQTT broker refuses the login", "Check mqtt_password.")
    for issue in (ISSUE, ISSUE, other, ISSUE, other):
        told.report.failed(issue)
        assert read_mqtt_issue(tmp_path) == issue
        told.now += 60
    assert told.journal == [str(ISSUE), str(other)]
    told.report.works()
    assert told.journal[2:] == ["the broker works again after 5 min"]
    assert read_mqtt_issue(tmp_path) is None


def test_a_broker_that_restarts_is_not_an_issue(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.report.works()
    for seconds in (0.0, PATIENCE_SECONDS - 1):
        told.now = seconds
        told.report.failed(ISSUE)
        assert read_mqtt_issue(tmp_path) is None
    told.now = PATIENCE_SECONDS
    told.report.failed(ISSUE)
    assert told.journal == ["connected to the broker", str(ISSUE)]


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MonitoredBridge:
    """Make a healthy bridge."""
    leave_room(monkeypatch)
    found = MonitoredBridge(tmp_path)
    found.minutes(1)
    return found


def test_the_page_warns_as_long_as_the_broker_does_not_work(bridge: MonitoredBridge) -> None:
    told = Told(bridge.paths.root)
    told.report.failed(ISSUE)
    bridge.minutes(1)
    (warning,) = made(bridge)["warnings"]
    assert (warning["name"], warning["problem"]) == ("mqtt", f"{ISSUE.problem}.")
    assert warning["hint"] == ISSUE.hint
    told.report.works()
    bridge.minutes(1)
    assert made(bridge)["warnings"] == []
    assert bridge.texts[-2:] == [f"{ISSUE.problem}.", f"ended: {ISSUE.problem}."]


def test_health_tells_it_and_stays_healthy(bridge: MonitoredBridge) -> None:
    bridge.probe.answers = [make_reply()]
    report = check(bridge.health, bridge.probe)
    data = report_data(dataclasses.replace(report, broker=ISSUE))
    assert data["healthy"]
    assert data["note"] == "The MQTT broker does not answer. Check mqtt_host."
    assert "Note:    The MQTT broker does not answer." in data["text"]


@pytest.mark.parametrize("written", ["", "[]", "{", '{"problem": 1}', "[" * 100_000, None])
def test_what_a_service_has_written_cannot_stop_the_monitor(
    tmp_path: Path, written: str | None
) -> None:
    path = tmp_path / MQTT_ISSUE
    path.parent.mkdir(parents=True)
    if written is None:
        os.mkfifo(path)
    else:
        path.write_text(written)
    assert read_mqtt_issue(tmp_path) is None
    path.unlink()
    secret = tmp_path / "secret"
    secret.write_text('{"problem": "a", "hint": "b"}')
    path.symlink_to(secret)
    assert read_mqtt_issue(tmp_path) is None
