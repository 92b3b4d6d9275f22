"""wpa_supplicant.conf is read as guides recommend it, and with common mistakes."""

from __future__ import annotations

import pytest
from unit.boot_config.conftest import found

from pvs_bridge.boot_config import wpa_supplicant

_PSK = "0123456789abcdef" * 4


def block(*lines: str) -> str:
    """A file with one network."""
    return "network={\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def read(text: str) -> tuple[dict[str, object], list[str]]:
    """Return a file's settings and issues."""
    supplicant = wpa_supplicant.read(found(text, "wpa_supplicant.conf"))
    return dict(supplicant.layer.values), [str(issue) for issue in supplicant.issues]


def test_the_file_of_the_guides_is_read_with_any_line_ends() -> None:
    text = (
        "country=US\nctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev\nupdate_config=1\n\n"
        + block('ssid="Sunny side"', "scan_ssid=1", 'psk="pass phrase"', "key_mgmt=WPA-PSK")
    )
    for each in (text, text.replace("\n", "\r\n")):
        supplicant = wpa_supplicant.read(found(each, "wpa_supplicant.conf"))
        layer = supplicant.layer
        assert (supplicant.issues, supplicant.notes) == ([], [])
        assert layer.values == {
            "uplink_country": "US",
            "uplink_networks": [
                {"ssid": "Sunny side", "hidden": True, "passphrase": "pass phrase"}
            ],
        }
        assert (
            layer.location(("uplink_networks", 0, "passphrase")).place
            == "wpa_supplicant.conf line 8"
        )


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


def test_a_disabled_network_is_ignored() -> None:
    assert read(block('ssid="a"', 'psk="12345678"', "disabled=1")) == ({}, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (block('psk="12345678"'), "line 1: this network has no name"),
        (block('ssid="a"'), "line 1: the network a has no passphrase"),
        (block('ssid="a"', "key_mgmt=WPA-EAP"), "line 1: the network a uses a security"),
        (block('ssid="a"', "key_mgmt=NONE", "wep_key0=1234567890"), "line 1: the network a uses"),
        ("country=DE\nnetwork={\n", "line 2: the file ends within this network"),
        ("Wi-Fi of the garage\n", "line 1: is not a setting"),
    ],
)
def test_an_issue_names_its_line(text: str, message: str) -> None:
    values, (issue,) = read(text)
    assert "uplink_networks" not in values
    assert issue.startswith(f"wpa_supplicant.conf {message}")
    assert " Hint: " in issue
