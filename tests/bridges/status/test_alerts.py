"""The alerts for Prometheus, by promtool's own tests."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import yaml
from unit.monitor.monitored import MonitoredBridge
from unit.status.test_document import made

from proxy_rig.rendering import PROJECT
from proxy_rig.workbench import Workbench
from pvs_bridge.notify import events
from pvs_bridge.status.metrics import text_of

RULES = PROJECT / "templates/prometheus/pvs-bridge.rules.yml"
TESTS = Path(__file__).with_name("alerts.yml")


def alerts() -> list[dict[str, str]]:
    """Return the rules."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def promtool(folder: Path, *words: str) -> None:
    """Run promtool where it sees a folder."""
    command = Workbench().command(folder, "/mnt", "promtool", *words)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_raised_when_it_should_be(tmp_path: Path) -> None:
    shutil.copy(RULES, tmp_path)
    shutil.copy(TESTS, tmp_path)
    promtool(tmp_path, "check", "rules", f"/mnt/{RULES.name}")
    promtool(tmp_path, "test", "rules", f"/mnt/{TESTS.name}")


def test_each_event_that_sends_a_message_has_an_alert() -> None:
    alert_of = {
        events.BROKEN: "PvsBridgeBroken",
        events.WARNING: "PvsBridgeWarning",
        events.RESTARTED: "PvsRestarted",
        events.FIRMWARE: "PvsFirmwareChanged",
    }
    # Alertmanager tells the end of each alert.
    assert events.KINDS - {events.RECOVERED, events.TEST} == set(alert_of)
    assert set(alert_of.values()) <= {each["alert"] for each in alerts()}


def test_each_alert_has_a_test() -> None:
    tests = yaml.safe_load(TESTS.read_text())["tests"]
    raised = {case["alertname"] for test in tests for case in test["alert_rule_test"]
              if case["exp_alerts"]}  # fmt: skip
    assert raised == {each["alert"] for each in alerts()}


def test_alerts_use_metrics_of_the_bridge(scenes: dict[str, MonitoredBridge]) -> None:
    text = text_of(made(scenes["cable-out"]))
    used = set(re.findall(r"pvs_bridge_\w+", " ".join(each["expr"] for each in alerts())))
    assert used
    assert [name for name in used if f"# TYPE {name} " not in text] == []
