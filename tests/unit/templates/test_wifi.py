"""Wi-Fi names and secrets, against the standard and against readers of each syntax."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unit.templates import readers
from unit.templates.networks import HOSTILE_TEXTS

from ansible_collections.pvs_bridge.core.plugins.plugin_utils import wifi


def texts(
    at_least: int, at_most: int, characters: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    """Make text of so many bytes, rich in what one syntax or another takes for its own."""
    tricky = st.sampled_from("\\\"';#=[]{}$% s0159nP")
    return (
        st.text(characters | tricky, min_size=at_least, max_size=at_most)
        .map(lambda text: text.encode()[:at_most].decode(errors="ignore"))
        .filter(lambda text: len(text.encode()) >= at_least)
    )


# Half a surrogate pair has no bytes.
SSIDS = texts(1, 32, st.characters(codec="utf-8"))
PASSPHRASES = texts(8, 63, st.characters(codec="utf-8", exclude_categories=["Cc"]))


@pytest.mark.parametrize(
    ("passphrase", "ssid", "key"),
    [
        ("password", "IEEE", "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"),
        (
            "ThisIsAPassword",
            "ThisIsASSID",
            "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af",
        ),
        ("a" * 32, "Z" * 32, "becb93866bb8c3832cb777c2f559807c8c59afcb6eae734885001300a981cc62"),
    ],
)
def test_a_passphrase_is_hashed_as_the_standard_shows(passphrase: str, ssid: str, key: str) -> None:
    assert wifi.psk(passphrase, ssid) == key


def test_name_and_passphrase_are_hashed_in_utf_8() -> None:
    assert wifi.psk("grüße aus köln", "Köln 😀") == wifi.psk("grüße aus köln", "Köln \U0001f600")
    assert wifi.psk("gr\u00fc\u00dfe", "x") != wifi.psk("gru\u0308\u00dfe", "x")


@given(ssid=SSIDS)
@example(ssid="1")
@example(ssid="49;50;")
@example(ssid="\\;")
def test_an_ssid_comes_back_from_a_keyfile(ssid: str) -> None:
    file = f"[wifi]\nssid={wifi.keyfile_ssid(ssid)}\nhidden=false\n"
    read = readers.read_keyfile(file)
    assert set(read["wifi"]) == {"ssid", "hidden"}
    assert readers.keyfile_bytes(read["wifi"]["ssid"]) == ssid.encode()


@given(passphrase=PASSPHRASES)
def test_a_passphrase_comes_back_from_a_keyfile(passphrase: str) -> None:
    file = f"[wifi-security]\npsk={wifi.keyfile_string(passphrase)}\nkey-mgmt=sae\n"
    read = readers.read_keyfile(file)
    assert set(read["wifi-security"]) == {"psk", "key-mgmt"}
    assert readers.keyfile_string(read["wifi-security"]["psk"]) == passphrase


@given(text=SSIDS | PASSPHRASES)
def test_any_text_comes_back_from_wpa_supplicant_conf(text: str) -> None:
    written = wifi.wpa_string(text)
    assert re.fullmatch(r'[0-9a-f]+|"[^"\\#\n]+"', written)
    assert readers.wpa_string(written) == text.encode()


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_that_tries_to_be_misread_is_not(text: str) -> None:
    ssid = readers.read_keyfile(f"[wifi]\nssid={wifi.keyfile_ssid(text)}\n")["wifi"]["ssid"]
    assert readers.keyfile_bytes(ssid) == text.encode()
    assert readers.wpa_string(wifi.wpa_string(text)) == text.encode()


@pytest.mark.parametrize("name", ["home", "Sunnyside 2-4", "My_Net"])
def test_a_plain_name_stays_readable(name: str) -> None:
    assert wifi.keyfile_ssid(name) == name
    assert wifi.wpa_string(name) == f'"{name}"'
    assert wifi.keyfile_string(name) == name
