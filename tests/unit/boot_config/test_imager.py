"""The files of Raspberry Pi Imager are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.boot_config.conftest import found

from pvs_bridge.boot_config import imager

_PSK = "0123456789abcdef" * 4
# As Imager 2 writes it, line by line.
_NETWORK = """network:
  version: 2
  ethernets:
    eth0:
      dhcp4: true
      dhcp6: true
      optional: true
  wifis:
    wlan0:
      dhcp4: true
      regulatory-domain: "GB"
      access-points:
        "{ssid}":
{more}          password: "{secret}"
      optional: true
"""
_USER = """#cloud-config
manage_resolv_conf: false

hostname: {hostname}
manage_etc_hosts: true
timezone: Europe/London
keyboard:
  model: pc105
  layout: "gb"

user:
  name: anna
  groups: users,adm,sudo
  shell: /bin/bash
  lock_passwd: false
  passwd: "$y$j9T$abc$def"
  ssh_authorized_keys:
    - ssh-ed25519 AAAA anna@laptop
  sudo: ALL=(ALL) NOPASSWD:ALL

enable_ssh: true
ssh_pwauth: false
"""


def network(key: str = _PSK, ssid: str = "Sunnyside", more: str = "") -> str:
    """A network-config."""
    return _NETWORK.format(secret=key, ssid=ssid, more=more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (network(), {"ssid": "Sunnyside", "psk": _PSK}),
        (network(key=""), {"ssid": "Sunnyside", "security": "open"}),
        (network(key="by hand!"), {"ssid": "Sunnyside", "passphrase": "by hand!"}),
        (
            network(more="          hidden: true\n"),
            {"ssid": "Sunnyside", "psk": _PSK, "hidden": True},
        ),
        (
            network(ssid=r"Jack \"n\" \xc3\xa9 \\"),
            {"ssid": 'Jack "n" é \\', "psk": _PSK},
        ),
        (
            # A router that names its network in Latin-1.
            network(ssid=r"Caf\xe9"),
            {"ssid": "Café", "psk": _PSK},
        ),
    ],
)
def test_the_wifi_network_is_read(text: str, expected: dict[str, object]) -> None:
    layer, issues = imager.read_network(found(text, "network-config"))
    assert issues == []
    assert layer.values == {"uplink_country": "GB", "uplink_networks": [expected]}
    assert layer.location(("uplink_networks", 0, "psk")).place == "network-config line 13"
    assert layer.location(("uplink_country",)).place == "network-config line 11"


def test_ethernet_settings_are_ignored() -> None:
    text = "network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n"
    assert imager.read_network(found(text))[0].values == {}


def test_the_user_of_the_form_is_read() -> None:
    user = imager.read_user(found(_USER.format(hostname="garage.home"), "user-data"))
    assert user == imager.User(
        name="anna",
        has_key=True,
        has_password=True,
        is_locked=False,
        password_line=22,
        becomes_root=True,
        keyboard="gb",
        timezone="Europe/London",
        hostname="garage",
        hostname_line=4,
    )


def test_user_data_of_another_author_is_accepted() -> None:
    users = "#cloud-config\nusers:\n  - default\n  - name: bo\n    hashed_passwd: $6$a$b\n"
    user = imager.read_user(found(users))
    assert (user.name, user.has_key, user.has_password) == ("bo", False, True)
    assert imager.read_user(found("")) == imager.User()


def test_the_country_is_read_from_the_kernel_s_command_line() -> None:
    line = "console=tty1 rootwait cfg80211.ieee80211_regdom=GB ds=nocloud;i=rpi-imager-1"
    assert imager.country_of_kernel(line) == "GB"
    assert imager.country_of_kernel("console=tty1") == ""


def test_the_country_of_a_time_zone_is_found(tmp_path: Path) -> None:
    zones = tmp_path / "zone.tab"
    zones.write_text(
        "# comment\nGB\t+513030-0000731\tEurope/London\nUS\t+404251\tAmerica/New_York\n"
    )
    assert imager.country_of_timezone("America/New_York", zones) == "US"
    assert imager.country_of_timezone("UTC", zones) == ""
    assert imager.country_of_timezone("Europe/London", tmp_path / "none") == ""
