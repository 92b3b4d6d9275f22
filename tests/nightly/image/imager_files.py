"""The files that Raspberry Pi Imager 2 writes to the FAT partition, and those of older guides.

The texts are those of ``customization_generator.cpp`` of Imager v2.0.11.1 for an image with
``init_format`` ``cloudinit`` and a form with hostname, user, key, locale, Wi-Fi and passwordless
sudo. tests/unit/boot_config/corpus has other forms.
"""

from __future__ import annotations

import hashlib

from pvs_lab import radio_card
from pvs_lab.flashed_card import FlashedCard

HOSTNAME = "garage"
USER = "pi"
COUNTRY = "DE"

# Imager asks for a password, and writes only its hash.
PASSWORD_HASH = "$y$j9T$6oDZ0ZDXz0dKd5SXFlOhn/$Hl8N0Bl1y8yM0gIHh0bqQwJXG.9sNMGW3oxjz0cJYF4"  # noqa: S105 - a password used nowhere else

_INSTANCE = "rpi-imager-1764254130512"

_META_DATA = f"instance-id: {_INSTANCE}\n"

_USER_DATA = """#cloud-config
manage_resolv_conf: false

hostname: {hostname}
manage_etc_hosts: true
packages:
- avahi-daemon
apt:
  preserve_sources_list: true
  conf: |
    Acquire {{
      Check-Date "false";
    }};
timezone: Europe/Berlin
keyboard:
  model: pc105
  layout: "de"
user:
  name: {user}
  shell: /bin/bash
  lock_passwd: false
  passwd: "{password_hash}"
  ssh_authorized_keys:
    - "{key}"
  sudo: ALL=(ALL) NOPASSWD:ALL
ssh_pwauth: false
runcmd:
  - [ systemctl, enable, --now, ssh ]
  - [ sh, -c, "echo '{user} ALL=(ALL) NOPASSWD:ALL' >'/etc/sudoers.d/010_{user}-nopasswd'" ]
  - [ sh, -c, "chmod 0440 '/etc/sudoers.d/010_{user}-nopasswd'" ]
"""

# The first stanza would accept the PVS's default route.
_NETWORK_CONFIG = """network:
  version: 2
  ethernets:
    eth0:
      dhcp4: true
      dhcp6: true
      optional: true
  wifis:
    wlan0:
      dhcp4: true
      regulatory-domain: "{country}"
      access-points:
        "{ssid}":
          password: "{psk}"
      optional: true
"""

_WPA_SUPPLICANT = """ctrl_interface=DIR=/var/run/wpa_supplicant GROUP=netdev
update_config=1
country={country}

network={{
	ssid="{ssid}"
	psk="{passphrase}"
}}
"""


def psk(passphrase: str = radio_card.HOME_PASSPHRASE) -> str:
    """Return the key that Imager derives from a passphrase for the lab's Wi-Fi, as 64 digits."""
    return hashlib.pbkdf2_hmac(
        "sha1", passphrase.encode(), radio_card.HOME_SSID.encode(), 4096, 32
    ).hex()


def fill_in(card: FlashedCard, key: str, *, passphrase: str = radio_card.HOME_PASSPHRASE) -> None:
    """Write Imager's files.

    Args:
        card: a freshly flashed card.
        key: the line for the user's ``authorized_keys``.
        passphrase: the Wi-Fi passphrase in the form.
    """
    texts = {
        "meta-data": _META_DATA,
        "user-data": _USER_DATA.format(
            hostname=HOSTNAME, user=USER, password_hash=PASSWORD_HASH, key=key
        ),
        "network-config": _NETWORK_CONFIG.format(
            country=COUNTRY, ssid=radio_card.HOME_SSID, psk=psk(passphrase)
        ),
    }
    for name, text in texts.items():
        card.write(name, text.encode())
    arguments = f" cfg80211.ieee80211_regdom={COUNTRY} ds=nocloud;i={_INSTANCE}\n"
    card.append("cmdline.txt", arguments.encode())


def write_by_hand(card: FlashedCard, key: str) -> None:
    """Write the files that guides for Raspberry Pi OS up to Bullseye ask for."""
    supplicant = _WPA_SUPPLICANT.format(
        country=COUNTRY, ssid=radio_card.HOME_SSID, passphrase=radio_card.HOME_PASSPHRASE
    )
    # Windows' editor ends lines with CRLF.
    card.write("wpa_supplicant.conf", supplicant.replace("\n", "\r\n").encode())
    card.write("ssh", b"")
    card.write("authorized_keys", f"{key}\n".encode())
