"""Fixtures for the tests of a rehearsal without a lab."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "ansible"))

from bridgectl.rehearse.configuration import Configuration

DEFAULTS = {
    "bridge_backend": "auto",
    "pvs_link_interface": "eth0",
    "pvs_link_pvs_address": "172.27.153.1",
    "uplink_type": "wifi",
    "uplink_interface": "wlan0",
    "uplink_method": "dhcp",
    "uplink_dns_servers": [],
    "proxy_source_networks": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"],
}

Configure = Callable[..., Configuration]


@pytest.fixture
def configure() -> Configure:
    """Return the configuration of a bridge, with variables that differ from the defaults."""

    def configured(address: str = "garage.local", **variables: Any) -> Configuration:  # noqa: ANN401
        unreadable = tuple(variables.pop("unreadable", ()))
        return Configuration("garage", address, variables, DEFAULTS, unreadable)

    return configured


@pytest.fixture
def inventory(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes an inventory from texts by file name."""

    def write(**files: str) -> Path:
        folder = tmp_path / "inventory"
        for name, text in files.items():
            file = folder / f"{name.replace('__', '/')}.yml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return folder

    return write
