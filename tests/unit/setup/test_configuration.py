"""The first variables are correct, and a damaged file is reported with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pvs_bridge.errors import IssueError
from pvs_bridge.setup import configuration
from pvs_bridge.setup.interfaces import Interface

WIFI = Interface("wlan0", ["192.168.20.20/24"], ["192.168.20.1"], has_cable=True)
PVS = Interface("eth0", ["172.27.153.10/24"], has_cable=True)


def test_the_first_variables_keep_the_home_network(tmp_path: Path) -> None:
    file = tmp_path / "pvs-bridge/bridge.yml"
    configuration.write(configuration.new_text(WIFI, PVS, has_keys=True), file)
    configuration.check(file)
    assert yaml.safe_load(file.read_text()) == {
        "uplink_type": "none",
        "uplink_interface": "wlan0",
        "pvs_link_interface": "eth0",
    }
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_user_without_a_key_is_not_locked_out() -> None:
    text = configuration.new_text(WIFI, PVS, has_keys=False)
    assert yaml.safe_load(text)["sshd_password_login"] is True


def test_a_pvs_that_is_not_connected_yet_does_not_fail_the_setup() -> None:
    text = configuration.new_text(WIFI, Interface("eth0"), has_keys=True)
    assert yaml.safe_load(text)["health_required"] is False


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: [1\n", "bridge.yml line 3: not valid YAML"),
        ("a: 1\n  b: 2\n", "bridge.yml line 2: not valid YAML"),
        ("a: 1\x00\n", "bridge.yml: cannot be read"),
        ("", "must have lines such as"),
        ("- a\n", "must have lines such as"),
        ("1: a\n", "must have lines such as"),
    ],
)
def test_a_damaged_file_is_reported(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "bridge.yml"
    file.write_text(text)
    with pytest.raises(IssueError) as error:
        configuration.check(file)
    assert problem in str(error.value)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(IssueError, match=r"is missing\. Hint: run sudo pvs-bridge setup"):
        configuration.check(tmp_path / "bridge.yml")
