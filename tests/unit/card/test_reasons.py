"""The report says why the Pi is not in the home network, by NetworkManager's own words.

Its programs are stand-ins, which print what it has printed in a Pi with a radio. That it still
does is seen by `make test-image`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_bridge.boot_config import wifi_diagnosis

# The one interface that every machine has.
_INTERFACE = "lo"
_HOME = {"uplink_interface": _INTERFACE, "uplink_networks": [{"ssid": "At: home"}]}


def _failed(reason: str, interface: str = _INTERFACE) -> str:
    return (
        f"<info>  [1795852195.1] device ({interface}): state change: need-auth -> failed "
        f"(reason '{reason}', managed-type: 'full')\n"
    )


@pytest.fixture(autouse=True)
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What NetworkManager has said to the journal, beside two networks that it sees."""
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
        ("no-secrets", "the network refuses the passphrase"),
        ("supplicant-timeout", "its passphrase may be wrong, or its signal too weak"),
        ("ip-config-unavailable", "the network gives no address"),
        ("modem-busy", ""),
    ],
)
def test_what_networkmanager_calls_it_is_said_in_plain_words(
    said: Path, reason: str, words: str
) -> None:
    said.write_text(_failed(reason))
    assert wifi_diagnosis.reason(_HOME).endswith(words)
    assert bool(wifi_diagnosis.reason(_HOME)) == bool(words)


def test_the_last_word_counts_and_only_the_uplink_s(said: Path) -> None:
    said.write_text(
        f"{_failed('dhcp-failed')}{_failed('no-secrets')}"
        f"<info>  device ({_INTERFACE}): state change: failed -> disconnected (reason 'none')\n"
        f"{_failed('ip-config-unavailable', 'eth0')}"
    )
    assert wifi_diagnosis.reason(_HOME) == "the network refuses the passphrase"


def test_a_name_that_no_network_has_is_told_of(said: Path) -> None:
    said.write_text(_failed("no-secrets"))
    away = {**_HOME, "uplink_networks": [{"ssid": "At hime"}]}
    assert wifi_diagnosis.reason(away) == "no network of this name is in range"


def test_a_hidden_network_is_not_looked_for_among_the_seen(said: Path) -> None:
    said.write_text(_failed("no-secrets"))
    hidden = {**_HOME, "uplink_networks": [{"ssid": "At hime", "hidden": True}]}
    assert wifi_diagnosis.reason(hidden) == "the network refuses the passphrase"


def test_a_cable_that_gives_no_address_is_told_of(said: Path) -> None:
    said.write_text(_failed("ip-config-unavailable"))
    assert wifi_diagnosis.reason({"uplink_interface": _INTERFACE}) == "the network gives no address"


def test_an_interface_that_is_not_there_is_told_of() -> None:
    assert wifi_diagnosis.reason({"uplink_interface": "no0"}) == "the Pi has no interface no0"


def test_without_networkmanager_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert wifi_diagnosis.reason(_HOME) == ""
