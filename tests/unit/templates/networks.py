"""Wi-Fi networks that try to be misread, as an inventory describes them."""

# ruff: noqa: S106 - these passphrases protect nothing

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

KEY = "0123456789abcdefABCDEF9876543210" * 2


@dataclass(frozen=True)
class Network:
    """One entry of uplink_networks.

    Attributes:
        ssid: its name.
        passphrase: its secret; None where it has none, or a key instead.
        psk: the key instead of the passphrase.
        security: how it is protected; None is for the role's default, as below.
        hidden: whether it keeps its name to itself.
        priority: the higher the sooner.
    """

    ssid: str
    passphrase: str | None = None
    psk: str | None = None
    security: str | None = None
    hidden: bool | None = None
    priority: int | None = None

    def entry(self) -> dict[str, Any]:
        """Describe it as an inventory does: without what is left to the role."""
        return {key: value for key, value in asdict(self).items() if value is not None}


# Each is the name of a network and its passphrase too; 8 to 32 bytes, no control characters.
HOSTILE_TEXTS = [
    "plain name-1_x",
    '"in quotes"',
    "'in single quotes'",
    'Jack & Jill\'s "home"',
    "ends with a backslash\\",
    "\\s\\t\\n\\x41\\\\",
    " one space outside ",
    "   three spaces   ",
    "two  spaces within",
    "        ",
    "# no comment",
    "a comment # or not",
    "$HOME ${HOME} $(id)",
    "; no comment",
    "one;two;three;",
    "49;50;51;52;",
    "key=value",
    "[connection]",
    "} network={",
    "100%s%d%n",
    "{{ 7 * 7 }}",
    "{% raw %} {# no #}",
    "`id` | <b> & !x ~ ^",
    "12345678",
    "0x1234567890",
    "00112233445566778899",
    "DEADBEEFdeadbeef",
    'P"x\\x41"y"',
    'P"printf-like"',
    '"only one quote',
    "-dash first",
    "true    ",
    "grüße aus köln",
    "\u00a0no-break spaces\u00a0",
    "日本語のネット",
    "☀\ufe0f sun 😀 pow",
    "😀" * 8,  # 32 bytes exactly
    "a" * 32,
    "e\u0301 is not \u00e9",
    "two\u2028lines\u0085or one",
]

NETWORKS = [
    # In transition mode wpa_supplicant gets the hash too, which NetworkManager makes itself.
    *(
        Network(text, passphrase=text, security=("wpa3", "wpa2-wpa3")[number % 2])
        for number, text in enumerate(HOSTILE_TEXTS)
    ),
    *(Network(f"{text} 2"[-32:], passphrase="correct horse") for text in HOSTILE_TEXTS[1:15:2]),
    # Names may hold what no passphrase can.
    Network("line\nbreak\r\ttab\x01", passphrase="correct horse"),
    Network("\x7f", passphrase="correct horse"),
    Network("1", passphrase="12345678", priority=400),
    Network("8 bytes", passphrase="\"'\\#$;= "),
    Network("63 bytes", passphrase=("\\\"' " * 16)[:63], hidden=True),
    Network("63 bytes, WPA3", passphrase=(" \"'\\" * 16)[:63], security="wpa3", hidden=True),
    Network("63 bytes in Unicode", passphrase="ü" * 31 + "!", security="wpa3"),
    Network("Jill's key", psk=KEY, priority=1),
    Network("transition", passphrase=' "\\trans;ition#" ', security="wpa2-wpa3", priority=7),
    Network("transition 'with' a key", psk=KEY, security="wpa2-wpa3"),
    Network("open", security="open"),
    Network(" open, hidden\\", security="open", hidden=True, priority=2),
    Network("not hidden", passphrase="correct horse", security="wpa2", hidden=False, priority=0),
]
