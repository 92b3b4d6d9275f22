"""Wi-Fi networks: how a bridge's description names them, and how an access point offers them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pvs_lab import radio_card
from pvs_lab.access_point import Network


@dataclass(frozen=True)
class Known:
    """A network that a bridge is told of.

    Attributes:
        described: its entry in ``uplink_networks``.
        offered: what the access point makes of it.
    """

    described: dict[str, Any]
    offered: Network

    def ranked(self, priority: int) -> dict[str, Any]:
        """Describe it with a priority."""
        return {**self.described, "priority": priority}


def known(ssid: str, passphrase: str = "", **more: Any) -> Known:  # noqa: ANN401 - YAML holds anything
    """Make a network that the access point offers as it is described.

    Args:
        ssid: its name.
        passphrase: if it has one.
        more: the rest of its entry in ``uplink_networks``.
    """
    described = {"ssid": ssid, **({"passphrase": passphrase} if passphrase else {}), **more}
    return Known(described, Network(ssid.encode(), passphrase=passphrase.encode(), **more))


HOME = known(radio_card.HOME_SSID, radio_card.HOME_PASSPHRASE)
OTHER = known("Lab next door", "another good passphrase")

_SPECIAL = """it's "5"; \\ $HOME #1"""
# 8 times 4 bytes: as long as a name can be.
_HOUSES = "\N{HOUSE WITH GARDEN}" * 8
_TRANSITION = known("Two ways in", "either wpa2 or wpa3", security="wpa2-wpa3")

# By what is special about each.
JOINED = {
    "wpa2": known("Sunnyside 2.4", "the usual passphrase"),
    "wpa3": known("Sunnyside WPA3", "the newer passphrase", security="wpa3"),
    "transition": _TRANSITION,
    "hidden": known("Out of sight", "but it is there", hidden=True),
    "open": known("Guests welcome", security="open"),
    "key": known("Key of 64 digits", psk="0123456789abcdefABCDEF" + "5a" * 21),
    "special characters": known(_SPECIAL, f"{_SPECIAL} too"),
    "spaces at the ends": known("  spaces  ", "  spaces at both ends  "),
    "32 bytes": known(_HOUSES, "p\N{KEY}ssw\N{LATIN SMALL LETTER O WITH DIAERESIS}rt"),
    "semicolons": known("1;2;3;", ";" * 63),
    "wpa3, special": known(f"{_SPECIAL} 3", f"{_SPECIAL} | wpa3", security="wpa3"),
}

# The router offers less than the description allows.
OLD_ROUTER = replace(_TRANSITION.offered, security="wpa2")
