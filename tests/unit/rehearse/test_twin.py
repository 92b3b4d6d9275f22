"""The twin equals the bridge, except for its radio, its secrets and its connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridgectl.inventory.placeholders import PASSWORD_HASH, TEXT, USERS
from bridgectl.rehearse.configuration import Configuration
from bridgectl.rehearse.twin import make_twin

Configure = Callable[..., Configuration]

HOSTILE = {
    "proxy_hostnames": ["{{ braces }}", "{% if %}", "yes", "0123", "a: b # c", "Tür \\ '\""],
    "proxy_cache_seconds": 45,
    "proxy_https": "passthrough",
    "proxy_command_cache_seconds": {"DeviceList": 300},
}


def as_ansible_reads_it(inventory: str, folder: Path) -> dict[str, Any]:
    """Return the variables of the host garage, rendered."""
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


def test_every_value_reaches_the_roles_unchanged(configure: Configure, tmp_path: Path) -> None:
    found = as_ansible_reads_it(make_twin(configure(**HOSTILE)).inventory("lab"), tmp_path)
    assert {name: found[name] for name in HOSTILE} == HOSTILE


def test_the_real_address_is_kept_and_ssh_connects_to_the_lab(
    configure: Configure, tmp_path: Path
) -> None:
    found = as_ansible_reads_it(make_twin(configure("203.0.113.9")).inventory("lab-1"), tmp_path)
    assert found["ansible_host"] == "203.0.113.9"
    assert found["ansible_ssh_common_args"].split() == [
        "-F", "/run/pvs-bridge-labs/lab-1/ssh_config", "-o", "HostName=bridge",
    ]  # fmt: skip
    assert found["health_client"] == "client-of-lab-1"
    # Clients in the lab's home network use its address there.
    assert found["health_address"] == "192.168.20.20"


def test_wifi_is_replaced_by_ethernet_with_a_remark(configure: Configure) -> None:
    twin = make_twin(configure(uplink_networks=[{"ssid": "a"}], uplink_country="US"))
    assert twin.variables == {"uplink_type": "ethernet", "uplink_country": "US"}
    assert [remark for remark in twin.remarks if "Wi-Fi is replaced" in remark]
    assert make_twin(configure(uplink_type="ethernet")).remarks == ()


def test_a_locked_root_is_not_locked_with_a_remark(configure: Configure) -> None:
    twin = make_twin(configure(uplink_type="ethernet", appliance_read_only_root=True))
    assert twin.variables == {"uplink_type": "ethernet"}
    assert [remark for remark in twin.remarks if "its root is not locked" in remark]


def test_a_twin_does_not_publish_at_the_broker_of_the_home(configure: Configure) -> None:
    chosen = {"uplink_type": "ethernet", "mqtt_host": "nas"}
    twin = make_twin(configure(**chosen, mqtt_enabled=True))
    assert twin.variables == chosen
    assert [remark for remark in twin.remarks if "MQTT broker is not tested" in remark]


def test_a_host_name_in_health_address_is_kept(configure: Configure) -> None:
    twin = make_twin(configure(health_address="solar.example.org"))
    assert twin.variables["health_address"] == "solar.example.org"
    assert "health_address" not in make_twin(configure()).variables


@pytest.mark.parametrize("user", ["", "anna"])
def test_unreadable_users_are_replaced_by_a_placeholder_user(
    configure: Configure, user: str
) -> None:
    twin = make_twin(configure(health_user=user, proxy_users=USERS))
    assert twin.variables["proxy_users"] == {"placeholder": PASSWORD_HASH}
    assert twin.variables["health_user"] == ("placeholder" if user else "")
    assert any("placeholder user" in remark for remark in twin.remarks) == bool(user)


def test_the_password_of_the_pvs_is_not_used_for_the_simulated_one(configure: Configure) -> None:
    assert make_twin(configure(compat_password=TEXT)).variables["compat_password"] == ""
