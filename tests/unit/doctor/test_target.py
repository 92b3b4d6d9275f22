"""Targets are read from the inventory, even if it contains errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgectl.doctor.target import read_targets
from bridgectl.errors import CannotWorkError
from pvs_bridge.host.vitals import Limits

INVENTORY = """
pvs_bridges:
  hosts:
    garage:
      ansible_host: 192.168.1.34
      ansible_port: 2222
      ansible_user: anna
      ansible_ssh_private_key_file: ~/keys/garage
      ansible_ssh_common_args: -J anna@gate -o "User other"
      uplink_hostname: shed
      uplink_networks:
        - {ssid: Sunnyside, passphrase: correct horse}
        - {ssid: Attic, passphrase: "{{ lookup('ansible.builtin.env', 'NO_SUCH_VARIABLE') }}"}
      proxy_http_port: 8000
      proxy_users: {anna: $5$salt$hash}
      pvs_link_interface: "{{ nonsense }}"
      bridge_mode: routed
      a_mistake: here
    attic: {pvs_link_type: home, pvs_link_pvs_address: pvs6.local, uplink_interface: eth1}
    barn: {ansible_connection: ssh, compat_mode: "off", uplink_address: 192.168.1.9/24}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Write an inventory of two bridges."""
    file = tmp_path / "home.yml"
    file.write_text(INVENTORY)
    return file


def test_the_connection_variables_of_ansible_are_used(inventory: Path) -> None:
    (garage,) = read_targets(inventory, "garage")
    assert (garage.address, garage.port, garage.user) == ("192.168.1.34", 2222, "anna")
    assert garage.ssh_arguments == (
        "-J", "anna@gate", "-o", "User other", "-p", "2222", "-l", "anna", "-i", "~/keys/garage",
    )  # fmt: skip
    assert (garage.proxy_port, garage.proxy_serves_home, garage.translates) == (8000, False, True)
    assert garage.other_names == ("shed.local", "shed", "garage.local", "garage")


def test_a_pvs_at_home_is_reached_by_the_uplink(inventory: Path) -> None:
    (attic,) = read_targets(inventory, "attic")
    assert (attic.pvs_at_home, attic.pvs_address, attic.pvs_interface) == (
        True, "pvs6.local", "eth1",
    )  # fmt: skip


def test_all_secrets_are_found_and_only_these(inventory: Path) -> None:
    (garage,) = read_targets(inventory, "garage")
    assert garage.secrets == {"correct horse", "$5$salt$hash"}


def test_a_value_that_cannot_be_read_counts_as_not_set(inventory: Path) -> None:
    (garage,) = read_targets(inventory, "garage")
    assert garage.pvs_interface == "eth0"


def test_without_a_limit_all_bridges_are_targets(inventory: Path) -> None:
    barn = {each.name: each for each in read_targets(inventory, "")}["barn"]
    assert (barn.address, barn.port, barn.translates) == ("barn", None, False)
    assert barn.other_names == ("barn.local", "192.168.1.9")


def test_a_connection_other_than_ssh_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "home.yml"
    file.write_text("pvs_bridges: {hosts: {garage: {ansible_connection: local}}}")
    with pytest.raises(CannotWorkError, match="ansible_connection must be ssh"):
        read_targets(file, "")


@pytest.mark.parametrize(
    ("text", "limit", "said"),
    [
        ("pvs_bridges: {hosts: {garage: }}", "barn", "LIMIT=barn selects no bridge"),
        ("others: {hosts: {garage: }}", "", "has no bridges"),
        ("pvs_bridges: [garage", "", "cannot be read"),
    ],
)
def test_an_inventory_without_the_bridge_is_an_error(
    tmp_path: Path, text: str, limit: str, said: str
) -> None:
    file = tmp_path / "home.yml"
    file.write_text(text)
    with pytest.raises(CannotWorkError, match=said) as refused:
        read_targets(file, limit)
    assert "\n  hint: " in str(refused.value)


def test_the_limits_of_the_vitals_are_the_bridge_s_own(tmp_path: Path) -> None:
    file = tmp_path / "home.yml"
    variables = "monitor_temperature_celsius: 60, monitor_signal_dbm: '{{ x }}'"
    file.write_text(f"pvs_bridges: {{hosts: {{garage: {{{variables}}}}}}}")
    (garage,) = read_targets(file, "")
    assert garage.limits == Limits(temperature_celsius=60, signal_dbm=-75, card_free_mib=300)
