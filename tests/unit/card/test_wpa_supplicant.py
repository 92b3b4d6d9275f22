"""wpa_supplicant.conf as guides have people write it, and as people write it."""

from __future__ import annotations

import pytest
from unit.card.conftest import found

from pvs_bridge.boot_config import wpa_supplicant

_PSK = "0123456789abcdef" * 4


def block(*lines: str) -> str:
    """A file with one network."""
    return "network={\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def read(text: str) -> tuple[dict[str, object], list[str]]:
    """What a file says, and its mistakes."""
    layer, mistakes = wpa_supplicant.read(found(text, "wpa_supplicant.conf"))
    return dict(layer.values), mistakes


def test_the_file_of_every_guide_is_read_whatever_its_line_ends() -> None:
    text = (
        "country=US\nctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev\nupdate_config=1\n\n"
        + block('ssid="Sunny side"', "scan_ssid=1", 'psk="pass phrase"', "key_mgmt=WPA-PSK")
    )
    for each in (text, text.replace("\n", "\r\n")):
        layer, mistakes = wpa_supplicant.read(found(each, "wpa_supplicant.conf"))
        assert mistakes == []
        assert layer.values == {
            "uplink_country": "US",
            "uplink_networks": [
                {"ssid": "Sunny side", "hidden": True, "passphrase": "pass phrase"}
            ],
        }
        assert layer.place(("uplink_networks", 0, "passphrase")) == "wpa_supplicant.conf line 5"


@pytest.mark.parametrize(
    ("lines", "network"),
    [
        (('ssid="a"', f"psk={_PSK}"), {"ssid": "a", "psk": _PSK}),
        (('ssid="a"', "psk=forgotten"), {"ssid": "a", "passphrase": "forgotten"}),
        (('ssid="a"', "psk=Password1"), {"ssid": "a", "passphrase": "Password1"}),
        (('ssid="say "hi""', 'psk="q"uotes"'), {"ssid": 'say "hi"', "passphrase": 'q"uotes'}),
        (("ssid=c3a9", 'psk="12345678"'), {"ssid": "é", "passphrase": "12345678"}),
        (
            ('ssid=P"\\xc3\\xa9\\"\\\\"', 'psk="12345678"'),
            {"ssid": 'é"\\', "passphrase": "12345678"},
        ),
        (('ssid="a"', "key_mgmt=NONE"), {"ssid": "a", "security": "open"}),
        (
            ('ssid="a"', 'sae_password="12345678"', "key_mgmt=SAE"),
            {"ssid": "a", "passphrase": "12345678", "security": "wpa3"},
        ),
        (
            ('ssid="a"', 'psk="12345678"', "key_mgmt=WPA-PSK SAE", "priority=9999"),
            {"ssid": "a", "priority": 400, "passphrase": "12345678", "security": "wpa2-wpa3"},
        ),
    ],
)
def test_each_kind_of_network_is_read(lines: tuple[str, ...], network: dict[str, object]) -> None:
    assert read(block(*lines)) == ({"uplink_networks": [network]}, [])


def test_a_network_that_is_switched_off_is_none() -> None:
    assert read(block('ssid="a"', 'psk="12345678"', "disabled=1")) == ({}, [])


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (block('psk="12345678"'), "line 1: is a network without a name"),
        (block('ssid="a"'), "line 1: the network a has no passphrase"),
        (block('ssid="a"', "key_mgmt=WPA-EAP"), "line 1: the network a is protected in a way"),
        (block('ssid="a"', "key_mgmt=NONE", "wep_key0=1234567890"), "line 1: the network a is"),
        ('country=DE\nnetwork={\nssid="a"\n', "line 2: this network has no end"),
        ("Wi-Fi of the garage\n", "line 1: is no setting"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(text: str, mistake: str) -> None:
    values, (said,) = read(text)
    assert "uplink_networks" not in values
    assert said.startswith(mistake)
    assert " Hint: " in said
