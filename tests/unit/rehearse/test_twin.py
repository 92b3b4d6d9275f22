"""The twin is the bridge, but for its radio, its secrets, and the way to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridgectl.inventory.placeholders import PASSWORD_HASH
from bridgectl.rehearse.configuration import Configuration
from bridgectl.rehearse.twin import make_twin

Describe = Callable[..., Configuration]

HOSTILE = {
    "proxy_hostnames": ["{{ braces }}", "{% if %}", "yes", "0123", "a: b # c", "Tür \\ '\""],
    "proxy_cache_seconds": 45,
    "proxy_https_enabled": True,
    "proxy_command_cache_seconds": {"DeviceList": 300},
}


def as_ansible_reads_it(inventory: str, folder: Path) -> dict[str, Any]:
    """Return the variables of the host garage, templates rendered."""
    file = folder / "inventory.yml"
    file.write_text(inventory, encoding="utf-8")
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [programs / "ansible", "garage", f"--inventory={file}", "--module-name=debug",
         "--args=var=hostvars['garage']"],
        env={**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1",
             "ANSIBLE_LOAD_CALLBACK_PLUGINS": "0"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.partition("=>")[2])["hostvars['garage']"]
    return found


def test_every_value_reaches_the_roles_as_it_is(describe: Describe, tmp_path: Path) -> None:
    found = as_ansible_reads_it(make_twin(describe(**HOSTILE)).inventory("lab"), tmp_path)
    assert {name: found[name] for name in HOSTILE} == HOSTILE


def test_the_real_address_stays_and_ssh_is_led_into_the_lab(
    describe: Describe, tmp_path: Path
) -> None:
    found = as_ansible_reads_it(make_twin(describe("203.0.113.9")).inventory("lab-1"), tmp_path)
    assert found["ansible_host"] == "203.0.113.9"
    assert found["ansible_ssh_common_args"].split() == [
        "-F", "/run/pvs-bridge-labs/lab-1/ssh_config", "-o", "HostName=bridge",
    ]  # fmt: skip
    assert found["health_client"] == "client-of-lab-1"
    # The home reaches it by the address that it has there.
    assert found["health_address"] == "192.168.20.20"


def test_wifi_becomes_a_cable_and_that_is_said(describe: Describe) -> None:
    twin = make_twin(describe(uplink_networks=[{"ssid": "a"}], uplink_country="US"))
    assert twin.variables == {"uplink_type": "ethernet", "uplink_country": "US"}
    assert [remark for remark in twin.remarks if "Wi-Fi is a cable" in remark]
    assert make_twin(describe(uplink_type="ethernet")).remarks == ()


def test_a_locked_root_becomes_an_ordinary_one_and_that_is_said(describe: Describe) -> None:
    twin = make_twin(describe(uplink_type="ethernet", appliance_read_only_root=True))
    assert twin.variables == {"uplink_type": "ethernet"}
    assert [remark for remark in twin.remarks if "its root is not locked" in remark]


def test_a_name_by_which_the_bridge_is_checked_stays(describe: Describe) -> None:
    twin = make_twin(describe(health_address="solar.example.org"))
    assert twin.variables["health_address"] == "solar.example.org"
    assert "health_address" not in make_twin(describe()).variables


@pytest.mark.parametrize("user", ["", "anna"])
def test_users_that_nobody_can_read_here_become_one(describe: Describe, user: str) -> None:
    twin = make_twin(describe(health_user=user, unreadable=("proxy_users", "uplink_networks")))
    assert twin.variables["proxy_users"] == {"rehearsal": PASSWORD_HASH}
    assert twin.variables["health_user"] == ("rehearsal" if user else "")
    assert "it has stand-ins for proxy_users, which cannot be read here" in twin.remarks
