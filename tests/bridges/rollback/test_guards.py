"""Firewall and sshd change only with a confirmation, and do not lock out the controller."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bridges.rollback.bridge import Bridge

# The controller uses port 22.
_SHUTS_OUT = {"__firewall_ssh_ports": [2222], "rollback_timeout_seconds": 30}
_OTHER_KEYS = "/etc/ssh/sshd_config.d/10-elsewhere.conf"


@pytest.fixture
def keys_elsewhere(bridge: Bridge) -> Iterator[None]:
    """A controller that gets in by what no authorized_keys says, as one with a password does."""
    bridge.output(
        "bridge",
        f"echo 'AuthorizedKeysFile /etc/ssh/elsewhere' > {_OTHER_KEYS}; "
        "mv /home/pi/.ssh/authorized_keys /etc/ssh/elsewhere; systemctl reload ssh",
    )
    yield
    bridge.output(
        "bridge",
        f"mv /etc/ssh/elsewhere /home/pi/.ssh/authorized_keys; rm {_OTHER_KEYS}; "
        "systemctl reload ssh",
    )


@pytest.mark.core
def test_a_firewall_that_blocks_the_controller_is_undone(bridge: Bridge) -> None:
    before = bridge.state()
    run = bridge.provision(_SHUTS_OUT)
    assert run.status != 0
    assert run.says("it was not confirmed within 30 s. It is reachable as before")
    assert bridge.settles_as(before) - before == {}
    assert bridge.traces() == []


def test_they_change_with_the_network_in_one_confirmation(bridge: Bridge) -> None:
    before = bridge.state()
    moved = {"pvs_link_method": "static", "pvs_link_address": "172.27.153.9/24"}
    run = bridge.good_run({**moved, "firewall_enabled": False, "sshd_enabled": False})
    # It would fail where there are two.
    assert run.confirm_seconds > 0
    assert "pvs_bridge_firewall" not in bridge.state().filter
    assert "\npasswordauthentication yes" in bridge.output("bridge", "sshd -T")
    assert bridge.good_run({}).confirm_seconds > 0
    assert bridge.settles_as(before) - before == {}


def test_without_a_network_change_they_leave_the_network_unchanged(bridge: Bridge) -> None:
    before = bridge.state()
    since = bridge.output("bridge", "date '+%F %T'").strip()
    run = bridge.good_run({"firewall_allow": [{"port": 9100}], "sshd_max_auth_tries": 5})
    assert run.confirm_seconds > 0
    assert "tcp dport 9100" in bridge.state().filter
    journal = f"journalctl --since='{since}' --output=cat -u NetworkManager -u dhcpcd"
    assert "carrier" not in bridge.output("bridge", journal)
    assert bridge.good_run({}).confirm_seconds > 0
    assert bridge.settles_as(before) - before == {}


@pytest.mark.usefixtures("keys_elsewhere")
def test_a_controller_without_a_key_is_refused_before_anything_changes(bridge: Bridge) -> None:
    before = bridge.state()
    run = bridge.provision({"sshd_max_auth_tries": 5, "uplink_hostname": "shed"})
    assert run.status != 0
    assert run.says("no key lets pi into")
    assert run.says("Hint: ssh-copy-id pi@")
    assert run.says("or set sshd_password_login to true")
    assert bridge.state() - before == {}
    assert bridge.provision({"sshd_password_login": True}, "--check").status == 0
