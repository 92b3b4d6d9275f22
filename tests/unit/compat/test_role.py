"""The role's variables reach compat.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.template import trust_as_template
from unit.compat.conftest import ROLE

from proxy_rig.rendering import render
from pvs_bridge.config import CompatConfig, check_config


def load(path: Path) -> Any:  # noqa: ANN401 - any YAML
    """Read a YAML file."""
    return yaml.safe_load(path.read_text())


def configured(**chosen: Any) -> CompatConfig:  # noqa: ANN401 - any variable
    """Render compat.json for an inventory, and read it as the program does."""
    own = {name: trust_as_template(text) for name, text in load(ROLE / "vars/main.yml").items()}
    template = ROLE / "templates/etc/pvs-bridge/compat.json.j2"
    # The renderer accepts an absolute path.
    return check_config(
        json.loads(render(str(template), {**own, **chosen})), CompatConfig, "compat.json"
    )


def test_by_default_the_mode_is_auto_with_the_proxy_s_times() -> None:
    assert configured() == CompatConfig(
        mode="auto",
        listen_socket="/run/pvs-bridge-compat/http.sock",
        live_socket="/run/pvs-bridge-compat/live.sock",
        pvs_url="http://172.27.153.1",
        pvs_socket="/run/haproxy/compat.sock",
        stats_socket="/run/haproxy/figures.sock",
        state_file="/var/lib/pvs-bridge-compat/pvs.json",
        password="",
        cache_seconds=30,
        stale_seconds=900,
        night_seconds=0,
        secrets=False,
        live_data_enabled=False,
        timeout_seconds=180,
    )


@pytest.mark.parametrize(
    ("chosen", "key", "value"),
    [
        ({"compat_mode": "on"}, "mode", "on"),
        ({"compat_password": 'say "hi" {{ 1 }}'}, "password", 'say "hi" {{ 1 }}'),
        ({"compat_night_seconds": 1800}, "night_seconds", 1800),
        ({"proxy_secrets_enabled": True}, "secrets", True),
        ({"compat_live_data_enabled": True}, "live_data_enabled", True),
        ({"proxy_websocket_enabled": False}, "live_socket", ""),
        ({"compat_stale_seconds": 0}, "stale_seconds", 0),
        ({"proxy_cache_seconds": 300}, "cache_seconds", 300),
        ({"proxy_command_cache_seconds": {"DeviceList": 5}}, "cache_seconds", 5),
        ({"proxy_command_cache_seconds": {"Get_Comm": 5}}, "cache_seconds", 30),
        ({"proxy_pvs_timeout_seconds": 90}, "timeout_seconds", 150),
        ({"pvs_link_pvs_address": "172.27.152.1"}, "pvs_url", "http://172.27.152.1"),
    ],
)
def test_each_variable_reaches_the_program(chosen: dict[str, Any], key: str, value: object) -> None:
    assert getattr(configured(**chosen), key) == value
