"""The metrics, their README and the dashboard."""

from __future__ import annotations

import json
import re
from typing import Any

from unit.monitor.monitored import MonitoredBridge
from unit.status.conftest import ROLE
from unit.status.test_document import made

from proxy_rig.rendering import PROJECT
from pvs_bridge.status.metrics import text_of

_NAME = r"[a-z][a-z0-9_]*"
_LABEL = rf'{_NAME}="(?:[^"\\\n]|\\[\\n"])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (-?[0-9.]+(?:e[+-]?\d+)?)")
DASHBOARD = PROJECT / "templates/grafana/pvs-bridge.json"


def parsed(text: str) -> dict[str, list[tuple[str, float]]]:
    """Read the text as strictly as Prometheus: each metric once, with help and type before it."""
    found: dict[str, list[tuple[str, float]]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in found
            found[name] = []
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2:] in ([name, "gauge"], [name, "counter"])
            assert line.endswith("counter") == name.endswith("_total")
        else:
            match = _SAMPLE.fullmatch(line)
            assert match is not None, line
            assert match[1] == name
            labels = match[2] or ""
            assert labels not in [each for each, _ in found[name]], line
            found[name].append((labels, float(match[3])))
    assert all(found.values())
    return found


def with_battery(bridge: MonitoredBridge) -> dict[str, Any]:
    """Return the document of a plant that has everything."""
    document = made(bridge)
    document["plant"]["battery"] = {"charge_percent": 72.5, "watts": -800, "mode": "backup"}
    return document


def expressions() -> list[str]:
    """Return the queries of the dashboard."""
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def test_the_text_has_the_prometheus_format(bridge: MonitoredBridge) -> None:
    metrics = parsed(text_of(made(bridge)))
    assert metrics["pvs_bridge_healthy"] == [("", 1.0)]
    assert metrics["pvs_bridge_production_watts"] == [("", 600.0)]
    assert metrics["pvs_bridge_panel_watts"][0] == ('serial="E00121000000001"', 100.0)
    assert metrics["pvs_bridge_panel_watthours_total"][0][1] == 1_234_500.0
    assert metrics["pvs_bridge_meter_watts"][1] == ('meter="2",kind="consumption"', -1250.0)
    assert metrics["pvs_bridge_pi_wifi_signal_dbm"] == [("", -52.0)]
    assert metrics["pvs_bridge_link_ok"][0] == ('link="cable"', 1.0)


def test_an_old_reading_does_not_tell_the_power_of_now(bridge: MonitoredBridge) -> None:
    now, later = parsed(text_of(made(bridge))), parsed(text_of(made(bridge, 800)))
    assert set(now) - set(later) == {
        f"pvs_bridge_{name}"
        for name in (
            "production_watts", "consumption_watts", "grid_watts", "panels_working", "panel_watts",
            "panel_heatsink_celsius", "meter_watts",
        )
    }  # fmt: skip
    assert now["pvs_bridge_grid_watts"] == [("", -1250.0)]
    assert later["pvs_bridge_reading_age_seconds"] == [("", 860.0)]


def test_text_from_the_pvs_cannot_leave_its_label(bridge: MonitoredBridge) -> None:
    document = made(bridge)
    document["versions"]["firmware"] = 'a"} 1\nevil 2\\'
    assert "evil" not in parsed(text_of(document))


def test_a_panel_that_is_listed_twice_is_one_series(bridge: MonitoredBridge) -> None:
    document = made(bridge)
    panels = document["plant"]["panels"]
    document["plant"]["panels"] = [*panels, {**panels[0], "watts": 7}]
    lines = text_of(document).splitlines()
    series = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(set(series)) == len(series)


def test_missing_panels_and_the_wear_of_the_flash_are_metrics(bridge: MonitoredBridge) -> None:
    document = made(bridge)
    document["plant"]["panels"][0]["state"] = "missing"
    document["plant"]["supervisor"] |= {"flash_used_percent": 80, "flash_wear_percent": 110}
    lines = text_of(document).splitlines()
    assert {
        "pvs_bridge_panels_missing 1",
        "pvs_bridge_pvs_flash_used_ratio 0.8",
        "pvs_bridge_pvs_flash_wear_ratio 1.1",
    } <= set(lines)


def test_the_other_metrics_exist_without_a_plant(bridge: MonitoredBridge) -> None:
    document = {**made(bridge), "plant": None}
    metrics = parsed(text_of(document))
    assert "pvs_bridge_healthy" in metrics
    assert "pvs_bridge_panel_watts" not in metrics


def test_the_readme_lists_every_metric(bridge: MonitoredBridge) -> None:
    bridge.config = bridge.config.__class__(**{**vars(bridge.config), "card_free_mib": 10**9})
    bridge.minutes(1)
    readme = (ROLE / "README.md").read_text()
    metrics = parsed(text_of(with_battery(bridge)))
    assert [name for name in metrics if f"`{name}`" not in readme] == []
    listed = set(re.findall(r"`(pvs_bridge_\w+)`", readme))
    assert listed - set(metrics) == set()


def test_the_dashboard_uses_only_existing_metrics(bridge: MonitoredBridge) -> None:
    bridge.config = bridge.config.__class__(**{**vars(bridge.config), "card_free_mib": 10**9})
    bridge.minutes(1)
    metrics = set(parsed(text_of(with_battery(bridge))))
    asked = {name for each in expressions() for name in re.findall(r"\bpvs_bridge_\w+", each)}
    assert len(asked) > 15
    assert asked - metrics == set()


def test_the_dashboard_tells_several_bridges_apart() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    legends = [target["legendFormat"] for panel in panels for target in panel["targets"]]
    assert [each for each in legends if "{{instance}}" not in each] == []
    chosen = [re.findall(r'\w+\{instance=~"\$bridge"', each) for each in expressions()]
    named = [re.findall(r"\b(?:pvs_bridge|haproxy)_\w+", each) for each in expressions()]
    assert [len(each) for each in chosen] == [len(each) for each in named]


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)
