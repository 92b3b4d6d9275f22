"""The reason for a missing connection is found in NetworkManager's journal.

Fake programs print recorded output of a Pi with a radio. `make test-image` checks real output.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_bridge.boot_config import wifi_diagnosis

pytestmark = pytest.mark.needs_system

# Every machine has this interface.
_INTERFACE = "lo"
_HOME = {"uplink_interface": _INTERFACE, "uplink_networks": [{"ssid": "At: home"}]}


def _failed(reason: str, interface: str = _INTERFACE) -> str:
    return (
        f"<info>  [1795852195.1] device ({interface}): state change: need-auth -> failed "
        f"(reason '{reason}', managed-type: 'full')\n"
    )


@pytest.fixture(autouse=True)
def journal_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The journal of NetworkManager, which sees two networks."""
    journal = tmp_path / "journal"
    journal.write_text("")
    for name, script in {
        "nmcli": "echo Other; echo 'At: home'",
        "journalctl": f"cat {journal}",
    }.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return journal


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("no-secrets", "the access point refuses the passphrase"),
        ("supplicant-timeout", "the passphrase may be wrong, or the signal too weak"),
        ("ip-config-unavailable", "the network does not assign an address (DHCP)"),
        ("modem-busy", ""),
    ],
)
def test_networkmanager_s_reason_is_explained(journal_file: Path, reason: str, words: str) -> None:
    journal_file.write_text(_failed(reason))
    assert wifi_diagnosis.reason(_HOME).endswith(words)
    assert bool(wifi_diagnosis.reason(_HOME)) == bool(words)


def test_only_the_uplink_s_last_failure_counts(journal_file: Path) -> None:
    journal_file.write_text(
        f"{_failed('dhcp-failed')}{_failed('no-secrets')}"
        f"<info>  device ({_INTERFACE}): state change: failed -> disconnected (reason 'none')\n"
        f"{_failed('ip-config-unavailable', 'eth0')}"
    )
    assert wifi_diagnosis.reason(_HOME) == "the access point refuses the passphrase"


def test_a_network_out_of_range_is_reported(journal_file: Path) -> None:
    journal_file.write_text(_failed("no-secrets"))
    away = {**_HOME, "uplink_networks": [{"ssid": "At hime"}]}
    assert wifi_diagnosis.reason(away) == "a network of this name is not in range"


def test_a_hidden_network_may_be_missing_from_the_scan(journal_file: Path) -> None:
    journal_file.write_text(_failed("no-secrets"))
    hidden = {**_HOME, "uplink_networks": [{"ssid": "At hime", "hidden": True}]}
    assert wifi_diagnosis.reason(hidden) == "the access point refuses the passphrase"


def test_a_cable_without_an_address_is_reported(journal_file: Path) -> None:
    journal_file.write_text(_failed("ip-config-unavailable"))
    assert (
        wifi_diagnosis.reason({"uplink_interface": _INTERFACE})
        == "the network does not assign an address (DHCP)"
    )


def test_a_missing_interface_is_reported() -> None:
    assert wifi_diagnosis.reason({"uplink_interface": "no0"}) == "the Pi has no interface no0"


def test_without_networkmanager_the_reason_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert wifi_diagnosis.reason(_HOME) == ""
