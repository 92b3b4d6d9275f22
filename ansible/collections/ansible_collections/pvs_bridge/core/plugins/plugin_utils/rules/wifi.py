"""Cross-checks of the Wi-Fi: a network that cannot be joined strands the bridge.

No message holds a value out of ``uplink_networks``: whoever mixes up two lines writes the
passphrase where the name should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import (
    UNUSABLE,
    Fault,
    Path,
    variable_name,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import CrossCheck, Values

_COUNTRY = re.compile(r"[A-Z]{2}|00", re.ASCII)
# What people write for a country whose code is another one.
_MISTAKEN_COUNTRIES = {"UK": "GB", "EN": "GB", "EU": "the code of your country"}
_PSK = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
# ASCII's and Latin 1's control characters: no keyboard types them, no router takes them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SSID_BYTES = range(1, 33)
_PASSPHRASE_BYTES = range(8, 64)
_PRIORITIES = range(401)


def wifi_has_a_country(values: Values) -> Iterator[Fault]:
    """The radio stays off until it knows whose rules apply; 00 is what is allowed everywhere."""
    if values.is_wrong("uplink_country"):
        return
    path = ("uplink_country",)
    country = values.text("uplink_country")
    if not country:
        if values.text("uplink_type") == "wifi":
            yield Fault(
                path,
                "is not set, and Wi-Fi stays off without it",
                "set it to your country's two letters (ISO 3166), such as US",
            )
        return
    if country in _MISTAKEN_COUNTRIES:
        hint = f"write {_MISTAKEN_COUNTRIES[country]}"
        yield Fault(path, f"{country} is no country's code (ISO 3166)", hint)
    elif not _COUNTRY.fullmatch(country):
        upper = country.upper()
        better = upper if _COUNTRY.fullmatch(upper) else "your country's code, such as US"
        hint = f"write {_MISTAKEN_COUNTRIES.get(upper, better)}"
        yield Fault(path, f"{country!r} is not two capital letters (ISO 3166)", hint)


def wifi_has_a_network(values: Values) -> Iterator[Fault]:
    """No list of networks is a bridge that nobody reaches."""
    if values.text("uplink_type") != "wifi" or values.is_wrong("uplink_networks"):
        return
    if not values.get("uplink_networks"):
        yield Fault(
            ("uplink_networks",),
            "has no network, and uplink_type is wifi",
            "add one with its ssid and passphrase, or set uplink_type: ethernet",
        )


def ssids_have_a_possible_length(values: Values) -> Iterator[Fault]:
    """IEEE 802.11 gives a name 32 bytes, and an empty one means any network."""
    for path, network in _networks(values):
        ssid = network.get("ssid")
        if isinstance(ssid, str) and _bytes(ssid) not in _SSID_BYTES:
            yield Fault(
                (*path, "ssid"),
                f"has {_bytes(ssid)} bytes in UTF-8, not 1 to 32",
                "copy the network's name from the router",
            )


def ssids_differ(values: Values) -> Iterator[Fault]:
    """Of two entries for one network only one would be tried, and nobody knows which."""
    seen: dict[str, Path] = {}
    for path, network in _networks(values):
        ssid = network.get("ssid")
        if not isinstance(ssid, str):
            continue
        if ssid in seen:
            first = variable_name(seen[ssid])
            yield Fault((*path, "ssid"), f"names the same network as {first}", "remove one of them")
        seen.setdefault(ssid, path)


def secrets_fit_the_security(values: Values) -> Iterator[Fault]:
    """An open network has no secret, every other exactly one; SAE needs the passphrase itself."""
    for path, network in _networks(values):
        security = network.get("security", "wpa2")
        given = [key for key in ("passphrase", "psk") if key in network]
        if security is UNUSABLE:
            continue
        if security == "open":
            for key in given:
                hint = f"remove {key}, or write security: wpa2"
                yield Fault((*path, key), "is not used by an open network", hint)
        elif not given:
            yield Fault(
                path,
                "has neither passphrase nor psk",
                "add its passphrase, or security: open if it has none",
            )
        elif len(given) > 1:
            yield Fault(path, "has both passphrase and psk", "remove one of them")
        elif security == "wpa3" and given == ["psk"]:
            hint = "write the passphrase instead, or security: wpa2"
            yield Fault((*path, "psk"), "cannot be used with wpa3", hint)


def psks_are_keys(values: Values) -> Iterator[Fault]:
    """A pre-shared key is 256 bits; anything else is a passphrase in the wrong line."""
    for path, network in _networks(values):
        psk = network.get("psk")
        if isinstance(psk, str) and not _PSK.fullmatch(psk):
            hint = "write a passphrase as passphrase:, and as psk: what wpa_passphrase prints"
            yield Fault((*path, "psk"), "is not 64 hexadecimal digits", hint)


def passphrases_are_possible(values: Values) -> Iterator[Fault]:
    """IEEE 802.11i: 8 to 63 bytes."""
    for path, network in _networks(values):
        passphrase = network.get("passphrase")
        if not isinstance(passphrase, str):
            continue
        where = (*path, "passphrase")
        if _PSK.fullmatch(passphrase):
            yield Fault(where, "is 64 hexadecimal digits, a key", "write it as psk: instead")
        elif _bytes(passphrase) not in _PASSPHRASE_BYTES:
            problem = f"has {_bytes(passphrase)} bytes in UTF-8, not 8 to 63"
            yield Fault(where, problem, "copy it from the router's label or settings")
        elif _CONTROL.search(passphrase):
            hint = "write it on one line in quotes, without tab or line break"
            yield Fault(where, "has a control character in it", hint)


def priorities_are_possible(values: Values) -> Iterator[Fault]:
    """Above 400 NetworkManager's own limit of 999 comes too near."""
    for path, network in _networks(values):
        priority = network.get("priority")
        if isinstance(priority, int) and priority not in _PRIORITIES:
            yield Fault((*path, "priority"), "is not within 0 to 400", "write 0 to 400")


def _networks(values: Values) -> list[tuple[Path, Mapping[str, Any]]]:
    return [
        (("uplink_networks", index), network)
        for index, network in values.mappings("uplink_networks")
    ]


def _bytes(text: str) -> int:
    # YAML can hold half a surrogate pair; it counts as the three bytes it would take.
    return len(text.encode("utf-8", "surrogatepass"))


CHECKS: tuple[CrossCheck, ...] = (
    wifi_has_a_country,
    wifi_has_a_network,
    ssids_have_a_possible_length,
    ssids_differ,
    secrets_fit_the_security,
    psks_are_keys,
    passphrases_are_possible,
    priorities_are_possible,
)
