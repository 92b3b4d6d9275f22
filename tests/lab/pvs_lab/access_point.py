"""The Wi-Fi networks of an access point, as configuration of hostapd."""

from __future__ import annotations

import dataclasses

# hostapd's values of wpa_key_mgmt and ieee80211w.
_KEYS = {
    "wpa2": ("WPA-PSK", 0),
    "wpa3": ("SAE", 2),
    "wpa2-wpa3": ("WPA-PSK SAE", 1),
}
_LAST_CHANNEL_OF_2_4_GHZ = 14


@dataclasses.dataclass(frozen=True)
class Network:
    """One network of one access point.

    Attributes:
        ssid: its name; bytes, because 802.11 defines no encoding.
        security: ``wpa2``, ``wpa3``, ``wpa2-wpa3`` or ``open``.
        passphrase: of a network that is not open, unless it has a ``psk``.
        psk: 64 hexadecimal digits; not for ``wpa3``, which has no such key.
        hidden: whether beacons leave its name out.
        channel: 1 to 13, or one of 5 GHz.
        country: the country code that it announces; none by default, as with many access points.
    """

    ssid: bytes
    security: str = "wpa2"
    passphrase: bytes = b""
    psk: str = ""
    hidden: bool = False
    channel: int = 1
    country: str = ""

    def hostapd_conf(self, interface: str) -> bytes:
        """Return hostapd's configuration file.

        Args:
            interface: the access point's radio.
        """
        is_5_ghz = self.channel > _LAST_CHANNEL_OF_2_4_GHZ
        options: dict[str, object] = {
            "interface": interface,
            "bridge": "home",
            "driver": "nl80211",
            "ctrl_interface": "/run/hostapd",
            "ssid2": self.ssid.hex(),
            "hw_mode": "a" if is_5_ghz else "g",
            "channel": self.channel,
            "ignore_broadcast_ssid": int(self.hidden),
        }
        if self.country:
            options |= {"country_code": self.country, "ieee80211d": 1}
        if self.security != "open":
            keys, protected = _KEYS[self.security]
            options |= {
                "wpa": 2,
                "wpa_key_mgmt": keys,
                "rsn_pairwise": "CCMP",
                "ieee80211w": protected,
            }
        lines = [f"{key}={value}\n".encode() for key, value in options.items()]
        if self.psk:
            lines.append(b"wpa_psk=%s\n" % self.psk.encode())
        elif self.passphrase:
            lines.append(b"wpa_passphrase=%s\n" % self.passphrase)
        return b"".join(lines)
