"""The role monitor: its variables, configuration and README agree."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.template import trust_as_template
from unit.monitor.conftest import ROLE
from unit.monitor.monitored import CONFIG

from proxy_rig.rendering import PROJECT, render
from pvs_bridge.config import ConfigError, MonitorConfig, read_config
from pvs_bridge.monitor.recovery import PLANS


def load(path: Path) -> Any:  # noqa: ANN401 - any YAML
    return yaml.safe_load(path.read_text())


def configured(folder: Path, **chosen: Any) -> MonitorConfig:  # noqa: ANN401 - any variable
    """Render monitor.json for an inventory, and read it as the program does."""
    common = load(PROJECT / "roles/common/vars/main.yml")
    own = {
        name: trust_as_template(value) if isinstance(value, str) else value
        for name, value in {
            "__common_services": common["__common_services"],
            **load(ROLE / "vars/main.yml"),
        }.items()
    }
    template = ROLE / "templates/etc/pvs-bridge/monitor.json.j2"
    known = {"__common_backend": "networkmanager", **own, **chosen}
    # The lookup accepts an absolute path.
    (folder / "monitor.json").write_text(render(str(template), known))
    return read_config(folder / "monitor.json", MonitorConfig)


@pytest.mark.parametrize(
    ("chosen", "key", "value"),
    [
        ({}, "list_seconds", 300),
        ({"monitor_list_seconds": 60}, "list_seconds", 60),
        ({"monitor_list_seconds": 60, "proxy_cache_seconds": 600}, "list_seconds", 600),
        ({"proxy_cache_seconds": 0}, "proxy_seconds", 30),
        ({"proxy_command_cache_seconds": {"DeviceList": 120}}, "proxy_seconds", 120),
        ({"monitor_reboot_enabled": False}, "reboots", False),
        ({"appliance_read_only_root": True}, "read_only_root", True),
        ({"status_announce_pvs": True}, "announce_pvs", True),
        (
            {"status_panels": [{"serial": "E1"}, {"serial": "E2", "row": 2, "column": 3}]},
            "panels",
            [
                {"serial": "E1", "name": "", "roof": "", "row": 0, "column": 0},
                {"serial": "E2", "name": "", "roof": "", "row": 2, "column": 3},
            ],
        ),
        ({"status_announce_pvs": True, "status_enabled": False}, "announce_pvs", False),
    ],
)
def test_each_variable_reaches_the_program(
    tmp_path: Path, chosen: dict[str, Any], key: str, value: object
) -> None:
    assert getattr(configured(tmp_path, **chosen), key) == value


def test_only_installed_units_are_monitored(tmp_path: Path) -> None:
    assert configured(tmp_path).units == [
        "ssh.service", "NetworkManager.service", "haproxy.service", "pvs-bridge-link-guard.service",
        "pvs-bridge-wifi-guard.timer",
        "avahi-daemon.service", "pvs-bridge-firewall.service", "pvs-bridge-compat.service",
        "pvs-bridge-status.service",
    ]  # fmt: skip
    assert configured(
        tmp_path, __common_backend="dhcpcd", uplink_mdns=False, compat_mode="off",
        status_enabled=False, console_dns_enabled=True, firewall_enabled=False,
    ).units == [
        "ssh.service", "dhcpcd.service", "wpa_supplicant@wlan0.service", "haproxy.service",
        "pvs-bridge-link-guard.service", "pvs-bridge-wifi-guard.timer", "dnsmasq.service",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "tables"),
    [
        ({}, {"pvs-bridge-firewall.service": "pvs_bridge_firewall"}),
        ({"firewall_enabled": False}, {}),
        (
            {"bridge_mode": "both"},
            {
                "pvs-bridge-firewall.service": "pvs_bridge_firewall",
                "pvs-bridge-routing.service": "pvs_bridge_routing",
            },
        ),
    ],
)
def test_only_tables_of_installed_units_are_monitored(
    tmp_path: Path, chosen: dict[str, Any], tables: dict[str, str]
) -> None:
    found = configured(tmp_path, **chosen)
    assert found.tables == tables
    assert set(tables) <= set(found.units)
    for unit, table in tables.items():
        template = PROJECT / f"roles/{unit.split('-')[2].split('.')[0]}/templates"
        (text,) = (each.read_text() for each in template.glob("etc/pvs-bridge/*.nft.j2"))
        assert f"\ntable inet {table} {{" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"units": "haproxy"}, "units: must be a list of strings, got 'haproxy'"),
        ({"list_seconds": True}, "list_seconds: must be an integer, got True"),
        ({"more": 1}, "more: unknown key. Hint: the keys are backend, "),
    ],
)
def test_a_wrong_configuration_is_refused_with_the_key(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    file = tmp_path / "monitor.json"
    file.write_text(json.dumps({**dataclasses.asdict(CONFIG), **change}))
    with pytest.raises(ConfigError, match=r"monitor\.json: ") as raised:
        read_config(file, MonitorConfig)
    assert said in str(raised.value)


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert load(ROLE / "vars/main.yml")["__monitor_version"] == project["version"]


def test_the_readme_has_every_recovery_plan() -> None:
    readme = (ROLE / "README.md").read_text()
    for outcome in PLANS:
        assert f"`{outcome}`" in readme, outcome
