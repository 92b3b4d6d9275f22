"""Rules for Wi-Fi: a bridge that cannot join its network is unreachable.

No message contains a value of ``uplink_networks``, because a user who swaps two lines writes the
passphrase where the name should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import (
    UNUSABLE,
    Issue,
    Path,
    variable_name,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules.ranges import range_issues
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

# ISO 3166; 00 is the set of rules that holds everywhere.
_COUNTRY = re.compile(r"[A-Z]{2}|00", re.ASCII)
# Common mistakes, with the correct code.
_MISTAKEN_COUNTRIES = {"UK": "GB", "EN": "GB", "EU": "the code of your country"}
_PSK = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
# Control characters of ASCII and Latin 1, which routers reject.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# IEEE 802.11: an SSID has at most 32 bytes, a passphrase 8 to 63.
_SSID_BYTES = range(1, 33)
_PASSPHRASE_BYTES = range(8, 64)
# NetworkManager's limit is 999; the roles add to the priority.
_PRIORITIES = range(401)


def check_country(values: Values) -> Iterator[Issue]:
    """The radio stays off until its country is known."""
    if values.is_wrong("uplink_country"):
        return
    path = ("uplink_country",)
    country = values.text("uplink_country")
    if not country:
        if values.text("uplink_type") == "wifi":
            yield Issue.at(
                path,
                "must be set, because Wi-Fi stays off without it",
                "set it to the two letters of your country (ISO 3166), such as US",
            )
        return
    if country not in _MISTAKEN_COUNTRIES and _COUNTRY.fullmatch(country):
        return
    upper = country.upper()
    better = upper if _COUNTRY.fullmatch(upper) else "the code of your country, such as US"
    hint = f"write {_MISTAKEN_COUNTRIES.get(upper, better)}"
    yield Issue.at(
        path, f"must be the code of a country (ISO 3166, two capitals), got {country!r}", hint
    )


def check_networks(values: Values) -> Iterator[Issue]:
    """Without a network, the bridge would be unreachable."""
    if values.text("uplink_type") != "wifi" or values.is_wrong("uplink_networks"):
        return
    if not values.get("uplink_networks"):
        yield Issue.at(
            ("uplink_networks",),
            "must contain a network, because uplink_type is wifi",
            "add one with its ssid and passphrase, or set uplink_type: ethernet",
        )


def check_ssid_length(values: Values) -> Iterator[Issue]:
    """An empty SSID would match any network."""
    for path, network in _networks(values):
        ssid = network.get("ssid")
        if isinstance(ssid, str) and _bytes(ssid) not in _SSID_BYTES:
            yield Issue.at(
                (*path, "ssid"),
                f"must have 1 to 32 bytes in UTF-8, got {_bytes(ssid)}",
                "copy the network's name from the router",
            )


def check_ssids_differ(values: Values) -> Iterator[Issue]:
    """Only one of two entries with the same name would be used."""
    seen: dict[str, Path] = {}
    for path, network in _networks(values):
        ssid = network.get("ssid")
        if not isinstance(ssid, str):
            continue
        if ssid in seen:
            first = variable_name(seen[ssid])
            problem = f"must differ from the ssid of {first}"
            yield Issue.at((*path, "ssid"), problem, "remove one of them")
        seen.setdefault(ssid, path)


def check_secrets(values: Values) -> Iterator[Issue]:
    """An open network has no secret, all others have exactly one; SAE needs the passphrase."""
    for path, network in _networks(values):
        security = network.get("security", "wpa2")
        given = [key for key in ("passphrase", "psk") if key in network]
        if security is UNUSABLE:
            continue
        if security == "open":
            for key in given:
                hint = f"remove {key}, or set security: wpa2"
                yield Issue.at((*path, key), "is not used by an open network", hint)
        elif not given:
            yield Issue.at(
                path,
                "must have a passphrase or a psk",
                "add its passphrase, or security: open if it has none",
            )
        elif len(given) > 1:
            hint = "remove one of them"
            yield Issue.at(path, "must have either passphrase or psk, got both", hint)
        elif security == "wpa3" and given == ["psk"]:
            hint = "use the passphrase instead, or security: wpa2"
            yield Issue.at((*path, "psk"), "cannot be used with wpa3", hint)


def check_psks(values: Values) -> Iterator[Issue]:
    """A pre-shared key has 256 bits; other values are probably passphrases."""
    for path, network in _networks(values):
        psk = network.get("psk")
        if isinstance(psk, str) and not _PSK.fullmatch(psk):
            hint = "write a passphrase as passphrase:, and the output of wpa_passphrase as psk:"
            yield Issue.at((*path, "psk"), "must be 64 hexadecimal digits", hint)


def check_passphrases(values: Values) -> Iterator[Issue]:
    """Access points accept no other passphrases."""
    for path, network in _networks(values):
        passphrase = network.get("passphrase")
        if not isinstance(passphrase, str):
            continue
        where = (*path, "passphrase")
        if _PSK.fullmatch(passphrase):
            problem = "must be a passphrase, got a key of 64 hexadecimal digits"
            yield Issue.at(where, problem, "write it as psk: instead")
        elif _bytes(passphrase) not in _PASSPHRASE_BYTES:
            problem = f"must have 8 to 63 bytes in UTF-8, got {_bytes(passphrase)}"
            yield Issue.at(where, problem, "copy it from the router's label or settings")
        elif _CONTROL.search(passphrase):
            hint = "write it on one line in quotes, without tabs and line breaks"
            yield Issue.at(where, "must not contain control characters", hint)


def check_priorities(values: Values) -> Iterator[Issue]:
    """Larger ones would exceed NetworkManager's limit."""
    for path, network in _networks(values):
        priority = network.get("priority")
        if isinstance(priority, int):
            yield from range_issues((*path, "priority"), priority, _PRIORITIES)


def _networks(values: Values) -> list[tuple[Path, Mapping[str, Any]]]:
    return [
        (("uplink_networks", index), network)
        for index, network in values.mappings("uplink_networks")
    ]


def _bytes(text: str) -> int:
    # YAML can contain half of a surrogate pair; surrogatepass counts it as three bytes.
    return len(text.encode("utf-8", "surrogatepass"))


RULES: tuple[Rule, ...] = (
    check_country,
    check_networks,
    check_ssid_length,
    check_ssids_differ,
    check_secrets,
    check_psks,
    check_passphrases,
    check_priorities,
)
