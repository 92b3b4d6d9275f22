"""All secrets in all file formats are removed; other values are kept."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgectl.doctor.redact import REMOVED, Secrets

HASH = "$5$rounds=5000$saltsalt$kTu9rEvJ7G3Ff0n3gX2jPdJ9H8s1w3xWUXlMUZ0m9R/"
HEX = "0123456789abcdef" * 4
SERIAL = "ZT190585000549A6185"

FILES = {
    "NetworkManager": (
        "[wifi-security]\nkey-mgmt=wpa-psk\npsk=correct horse battery\n",
        "correct horse battery",
    ),
    "NetworkManager's WEP": ("[wifi-security]\nwep-key0=swordfish\n", "swordfish"),
    "an enterprise's": ("[802-1x]\nidentity=anna\npassword=tr0ub4dor\n", "tr0ub4dor"),
    "wpa_supplicant's passphrase": ('network={\n\tpsk="say \\"friend\\""\n}\n', "friend"),
    "wpa_supplicant's comment": (f'\t#psk="speak friend"\n\tpsk={HEX}\n', "speak friend"),
    "wpa_supplicant's key": (f"    psk={HEX}\n", HEX),
    "WPA3": ('    sae_password="hunter2hunter2"\n', "hunter2hunter2"),
    "netplan": ('access-points:\n  "Sunnyside":\n    password: "open sesame"\n', "open sesame"),
    "Imager": (f"      access-points:\n        Sunnyside:\n          password: {HEX}\n", HEX),
    "our own variables": ("uplink_networks:\n- ssid: x\n  passphrase: 'it''s me'\n", "it''s me"),
    "a block of YAML": (
        "uplink_networks:\n- ssid: x\n  passphrase: >-\n    open all doors\n  hidden: true\n",
        "open all doors",
    ),
    "people and passwords": ("proxy_users:\n  anna: roof-of-anna # hers\nb: c\n", "roof-of-anna"),
    "people and passwords in a line": ("proxy_users: {anna: roof-of-anna}\n", "roof-of-anna"),
    "messages": ("notify_urls:\n- tgram://12:roof-token/1\n- x\nb: c\n", "roof-token"),
    "messages in a line": ("notify_urls: [ntfy://roof-topic]\n", "roof-topic"),
    "messages by a web hook": ("notify_urls:\n  - https://discord.com/roof-hook\n", "roof-hook"),
    "a line of notify.urls": ("mailtos://anna:roof-mail@example.org\n", "roof-mail"),
    "a topic in a log": ("cannot send to ntfy://roof-topic\n", "roof-topic"),
    "compat": ('{"mode": "auto", "password": "A6185x"}', "A6185x"),
    "haproxy": (f"userlist home\n    user anna password {HASH}\n", HASH),
    "haproxy in clear text": ("    user anna insecure-password roof\n", "roof"),
    "cloud-init's hash": (f"users:\n- name: pi\n  passwd: {HASH}\n  lock_passwd: false\n", HASH),
    "cloud-init's list": ("chpasswd:\n  list: |\n    pi:raspberry99\n", "raspberry99"),
    "shadow": (f"pi:{HASH}:19000:0:99999:7:::", HASH),
    "a key of SSH's": (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
        "b3BlbnNzaC1rZXk",
    ),
    "half a key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQ", "MIIEpAIBAAKCAQ"),
    "a session": ("Cookie: session=abcdef123; other=1\n", "abcdef123"),
    "a login": ("Authorization: Basic c3NtX293bmVyOkE2MTg1\n", "c3NtX293bmVyOkE2MTg1"),
    "a log of a login": ('"GET /auth" basic c3NtX293bmVyOkE2MTg1', "c3NtX293bmVyOkE2MTg1"),
    "an address with a login": ("http://anna:roof99@garage.local/", "roof99"),
    "wpa_supplicant's journal": ("PSK - hexdump(len=4): 0a 1b 2c 3d", "0a 1b 2c 3d"),
    "a variable of the PVS": ('{"name": "/sys/info/wpakey", "value": "19056185"}', "19056185"),
    "the hotspot of the PVS": (
        '{"name":"/sys/info/ssid","value":"SunPower05185"}',
        "SunPower05185",
    ),
    "DeviceList": (f'{{"SERIAL": "{SERIAL}", "MODEL": "PVS6"}}', SERIAL),
    "avahi": (f"<name>PVS6 {SERIAL}</name>\n<txt-record>serialnum={SERIAL}</txt-record>", SERIAL),
    "the journal": (f"kernel: PVS {SERIAL} answers", SERIAL),
    "the machine's id": (
        "Journal file /var/log/journal/0123456789abcdef0123456789abcdef/x",
        HEX[:32],
    ),
    "IPv6": ("inet6 2a02:810d:1234:5678::1/64", "2a02:810d"),
    "IPv6 with a hardware address": ("inet6 fe80::ba27:ebff:fe12:3456/64", "12:3456"),
    "a hardware address": ("link/ether b8:27:eb:12:34:56 brd", "12:34:56"),
    "nmcli's hardware address": (r"BSSID:3C\:84\:6A\:01\:02\:03", "02"),
    "dhcpcd's DUID": ("DUID 00:01:00:01:2c:11:22:33:b8:27:eb:12:34:56", "12:34:56"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_secret_does_not_get_through(kind: str) -> None:
    text, secret = FILES[kind]
    assert secret in text
    assert secret not in Secrets().clean(text)


@pytest.mark.parametrize(
    "kind",
    [
        "NetworkManager",
        "NetworkManager's WEP",
        "an enterprise's",
        "wpa_supplicant's comment",
        "WPA3",
        "netplan",
        "Imager",
        "our own variables",
        "a block of YAML",
        "compat",
        "haproxy",
        "haproxy in clear text",
        "a variable of the PVS",
        "the hotspot of the PVS",
        "DeviceList",
        "avahi",
    ],
)
def test_what_a_file_has_told_is_found_in_another(kind: str) -> None:
    text, secret = FILES[kind]
    secrets = Secrets()
    secrets.learn(text)
    # YAML doubles an apostrophe.
    told = secret.replace("''", "'")
    assert told not in secrets.clean(f"bridge x[1]: tried {told} once")


def test_what_follows_from_the_pvs_s_number_is_secret_as_well() -> None:
    secrets = Secrets()
    secrets.learn(f"PVS6 {SERIAL}")
    said = "login ssm_owner:A6185, joined SunPower05185 with 19056185; A61850 stays"
    assert secrets.clean(said) == (
        f"login ssm_owner:{REMOVED}, joined {REMOVED} with {REMOVED}; A61850 stays"
    )


PLAIN = """\
# The passphrase is in the environment.
key-mgmt=wpa-psk
psk-flags=0
ssid=Sunnyside 2.4
lock_passwd: false
"password": "",
Basic System, basic.target
uuid=7b9a4c4e-1f0d-4b53-9d0c-52f3a7d2c1e0
inet 192.168.1.34/24 brd 192.168.1.255 scope global wlan0
link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
2026-11-27T20:42:58+00:00 garage sshd[12]: Accepted publickey for pi from 192.168.1.5 port 50312
pam_unix(sudo:session): session opened for user root(uid=0) by pi(uid=1000)
"""


def test_other_values_are_kept() -> None:
    assert Secrets().clean(PLAIN) == PLAIN


def test_what_stands_below_a_value_of_several_lines_stays() -> None:
    text = "  passphrase: |\n    one\n    two\n  hidden: true\nb: c\n"
    assert Secrets().clean(text) == f"  passphrase: |\n    {REMOVED}\n  hidden: true\nb: c\n"


def test_devices_can_still_be_told_apart_and_their_makers_known() -> None:
    said = Secrets().clean("b8:27:eb:12:34:56 3c:84:6a:01:02:03 B8:27:EB:12:34:56")
    assert said == "b8:27:eb:(device 1) 3c:84:6a:(device 2) B8:27:EB:(device 1)"


def test_a_log_is_not_blackened_by_words_of_configuration() -> None:
    secrets = Secrets(["true", "no", "abc"])
    secrets.learn("PasswordAuthentication no\npassword=none\nsession: auto\ntoken = 12\n")
    assert not secrets.left_in("true no none auto 12 abc")


TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=8, max_size=63)


def may_be_secret(text: str) -> bool:
    """Whether a text can be told from what is put in its place, which Hypothesis tries too."""
    return text == text.strip() and text.lower() not in REMOVED


@given(TEXTS.filter(may_be_secret), st.integers(0, 5))
def test_a_known_secret_is_found_in_any_spelling(secret: str, before: int) -> None:
    secrets = Secrets([secret])
    user = "anna:"[:before]
    for spelling in (
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        urllib.parse.quote(secret, safe=""),
        secret.encode().hex(),
        secret.encode().hex(" ").upper(),
        base64.b64encode((user + secret).encode()).decode(),
    ):
        cleaned = secrets.clean(f"x {spelling} y")
        assert not secrets.left_in(cleaned)
        assert spelling not in cleaned


@given(st.text())
def test_any_text_can_be_cleaned(text: str) -> None:
    secrets = Secrets(["correct horse"])
    secrets.learn(text)
    assert not secrets.left_in(secrets.clean(text))
