"""The first connection of a card has the files that the playbook writes afterwards."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from unit.templates.networks import NETWORKS
from unit.templates.rendering import PROJECT

from pvs_bridge.boot_config import first_connection

_PROFILES = "etc/NetworkManager/system-connections"
_FORM: dict[str, Any] = {
    "uplink_country": "US",
    "uplink_hostname": "garage",
    "uplink_networks": [{"ssid": "Home", "psk": "0123456789abcdef" * 4}],
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root file system of a new card."""
    for folder in (_PROFILES, "etc/modprobe.d", "etc/haproxy", "run"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/haproxy/haproxy.cfg").write_text("as built\n")
    (tmp_path / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 pvs-bridge\n")
    monkeypatch.setattr(first_connection, "_ROOT", tmp_path)
    monkeypatch.setattr(first_connection, "PENDING", tmp_path / "run/pending")
    return tmp_path


def connect(**variables: Any) -> bool:  # noqa: ANN401 - any value
    return first_connection.connect({**_FORM, **variables}, PROJECT)


def test_each_profile_is_that_of_the_playbook(root: Path, rendered: dict[str, str]) -> None:
    networks = [each.entry() for each in NETWORKS]
    usual = [each for each in networks if connect(uplink_networks=[each])]
    assert len(usual) > len(networks) / 2
    for number, network in enumerate(networks):
        if network in usual:
            # The name of the profile has the number.
            assert connect(uplink_networks=[network] * (number + 1))
            profile = root / _PROFILES / f"pvs-bridge-uplink-{number}.nmconnection"
            assert profile.read_text() == rendered[f"wifi {number}"]
            assert profile.stat().st_mode & 0o777 == 0o600


def test_country_and_name_are_those_of_the_playbook(root: Path, rendered: dict[str, str]) -> None:
    assert connect()
    assert (root / "etc/modprobe.d/uplink-country.conf").read_text() == rendered["modprobe"]
    assert (root / "etc/hostname").read_text() == "garage\n"
    assert (root / "etc/hosts").read_text() == "127.0.0.1 localhost\n127.0.1.1 garage\n"


@pytest.mark.parametrize(
    "variables",
    [
        {"proxy_http_port": 8080},
        {"uplink_type": "ethernet"},
        {"uplink_country": "us"},
        {"uplink_country": "US\noptions cfg80211"},
        {"uplink_hostname": "my bridge"},
        {"uplink_hostname": "garage\n127.0.0.1 bank"},
        {"uplink_networks": []},
        {"uplink_networks": "Home"},
        {"uplink_networks": [{"ssid": "Home"}]},
        {"uplink_networks": [{"ssid": "Home", "passphrase": "short"}]},
        {"uplink_networks": [{"ssid": "Home", "passphrase": "12345678\npsk-flags=1"}]},
        {"uplink_networks": [{"ssid": "Home", "passphrase": 12345678}]},
        {"uplink_networks": [{"ssid": "é" * 17, "passphrase": "12345678"}]},
        {"uplink_networks": [{"ssid": "Home", "psk": "0123"}]},
        {"uplink_networks": [{"ssid": "Home", "security": "open"}]},
        {"uplink_networks": [{"ssid": "Home", "passphrase": "12345678", "hidden": "true"}]},
        {"uplink_networks": [{"ssid": "Home", "passphrase": "12345678", "bssid": "any"}]},
    ],
)
def test_anything_else_waits_for_the_playbook(root: Path, variables: dict[str, Any]) -> None:
    before = [path for path in root.rglob("*") if path.is_file()]
    assert not connect(**variables)
    assert [path for path in root.rglob("*") if path.is_file()] == before


def test_a_changed_file_is_reloaded_once_the_playbook_has_run(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    haproxy = root / "etc/haproxy/haproxy.cfg"
    first_connection.finish(lambda: pytest.fail("nothing is pending"))
    assert connect()
    first_connection.finish(lambda: haproxy.write_text("garage\n"))
    assert commands == [("systemctl", "reload", "haproxy.service")]
    assert not first_connection.PENDING.exists()
