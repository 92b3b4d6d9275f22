"""Wi-Fi names and secrets in the syntax of each program that reads them.

SSIDs are up to 32 arbitrary bytes, and passphrases contain any printable character. Simple texts
are written as they are, all others in an unambiguous form.
"""

from __future__ import annotations

import hashlib
import re

# Unambiguous in every syntax below, and never a list of numbers.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*( [A-Za-z0-9_-]+)*", re.ASCII)


def psk(passphrase: str, ssid: str) -> str:
    """Derive the pre-shared key of a WPA2 passphrase.

    Args:
        passphrase: 8 to 63 bytes in UTF-8.
        ssid: name of the network.

    Returns:
        the 256-bit pre-shared key as 64 hexadecimal digits (IEEE 802.11i, annex H.4:
        PBKDF2 with HMAC-SHA1, 4096 rounds, the SSID as salt).
    """
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode(), ssid.encode(), 4096, 32).hex()


def keyfile_ssid(ssid: str) -> str:
    """Write an SSID for a NetworkManager keyfile: as it is, or as the list of its bytes.

    Args:
        ssid: the network's name.
    """
    if _PLAIN.fullmatch(ssid):
        return ssid
    return "".join(f"{byte};" for byte in ssid.encode())


def keyfile_string(text: str) -> str:
    r"""Write a string for a keyfile (GLib's GKeyFile): ``\`` escaped, outer spaces as ``\s``.

    Args:
        text: any text without control characters.
    """
    escaped = text.replace("\\", "\\\\")
    inner = escaped.strip(" ")
    leading = len(escaped) - len(escaped.lstrip(" "))
    trailing = len(escaped) - leading - len(inner)
    return "\\s" * leading + inner + "\\s" * trailing


def wpa_string(text: str) -> str:
    """Write a string for wpa_supplicant.conf: quoted, or in hexadecimal.

    Args:
        text: an SSID or an SAE password.
    """
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return text.encode().hex()
