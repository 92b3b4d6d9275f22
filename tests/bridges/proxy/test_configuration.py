"""haproxy of each release accepts the role's configuration for all kinds of inventories."""

from __future__ import annotations

from typing import Any

import pytest

from proxy_rig.haproxy import Unpacked, check
from proxy_rig.rendering import variables

_HASH = "$5$abcdefgh$E6wFWSbzRRGkjAnCTq/RMAkFs5rkVhdjAUcYBFuYqE6"
_INVENTORIES: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "no cache": {"proxy_cache_seconds": 0},
    "a cache for a command and a path": {
        "proxy_cache_seconds": 600,
        "proxy_command_cache_seconds": {"DeviceList": 300, "supervisor/info": 0},
    },
    "commands and variables that write": {
        "proxy_allow_commands": ["StartDiscovery", "SetAP"],
        "proxy_allow_variables": ["/sys/telemetryws/enable"],
        "proxy_writes_acknowledged": True,
    },
    "every command that writes": {
        "proxy_allow_commands": variables({})["__proxy_writing_commands"],
        "proxy_writes_acknowledged": True,
    },
    "passwords": {"proxy_users": {"anna": _HASH, "b.c-d": _HASH}, "proxy_stats_network": True},
    "sites": {"proxy_cors_origins": ["http://dashboard.lan:3000", "https://a.example"]},
    "every site": {"proxy_cors_origins": ["*"]},
    "names": {"proxy_hostnames": ["pvs.fritz.box", "Solar.example.org"]},
    "all ports passed through": {
        "proxy_https": "passthrough",
        "proxy_sunvault_enabled": True,
        "proxy_writes_acknowledged": True,
    },
    "secrets without a login": {"proxy_secrets_enabled": True},
    "no page": {"status_enabled": False},
    "neither page nor compat service": {"status_enabled": False, "compat_mode": "off"},
    "no compat service": {"compat_mode": "off"},
    "no live data": {"proxy_websocket_enabled": False},
    "live data that are switched on": {
        "compat_live_data_enabled": True,
        "proxy_writes_acknowledged": True,
    },
    "passwords for live data": {"proxy_users": {"anna": _HASH}, "compat_mode": "off"},
    "a PVS at home": {"pvs_link_type": "home", "pvs_link_pvs_address": "192.168.1.30"},
    "a PVS at home by its name": {
        "pvs_link_type": "home",
        "pvs_link_pvs_address": "pvs6.local",
    },
    "routed": {"bridge_mode": "routed"},
    "both": {"bridge_mode": "both"},
    "other ports and networks": {
        "proxy_http_port": 8000,
        "proxy_stats_port": 8001,
        "proxy_source_networks": ["192.168.1.0/24", "127.0.0.1/32"],
        "pvs_link_pvs_address": "172.27.152.1",
    },
    "an address with an interface in it": {"ansible_host": "fe80::1%eth0"},
}


@pytest.mark.parametrize("inventory", _INVENTORIES.values(), ids=_INVENTORIES)
def test_haproxy_finds_nothing_to_say_about_it(
    unpacked: Unpacked, inventory: dict[str, Any]
) -> None:
    done = check(unpacked, inventory)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
