"""wpa_supplicant.conf, as guides of many years have people write it onto the FAT partition."""

from __future__ import annotations

import re
from typing import Any

from pvs_bridge_card.boot_partition import Found
from pvs_bridge_card.layers import Layer, written

NAME = "wpa_supplicant.conf"

_SETTING = re.compile(r"^\s*(?P<key>\w+)\s*=\s*(?P<value>.*?)\s*$")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "e": "\033"}
_PSK = re.compile(r"[0-9A-Fa-f]{64}")
_HIGHEST_PRIORITY = 400


def read(found: Found) -> tuple[Layer, list[str]]:
    """Read country and networks.

    Returns:
        what it says, and the mistakes in it: line, problem and cure.
    """
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    networks: list[dict[str, Any]] = []
    mistakes: list[str] = []
    block: dict[str, str] | None = None
    began = 0
    for number, text in enumerate(found.text.splitlines(), 1):
        stripped = text.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if block is None and re.match(r"network\s*=\s*\{", stripped):
            block, began = {}, number
        elif stripped == "}" and block is not None:
            network, mistake = _network(block)
            if mistake:
                mistakes.append(f"line {began}: {mistake}")
            elif network:
                lines.setdefault("uplink_networks", began)
                lines[written(("uplink_networks", len(networks)))] = began
                networks.append(network)
            block = None
        else:
            setting = _SETTING.match(text)
            if setting is None:
                mistakes.append(f"line {number}: is no setting, and was left out. Cure: remove it")
            elif block is not None:
                block[setting["key"]] = setting["value"]
            elif setting["key"] == "country":
                values["uplink_country"] = setting["value"].strip('"').upper()
                lines["uplink_country"] = number
    if block is not None:
        mistakes.append(f"line {began}: this network has no end. Cure: put }} on a line behind it")
    if networks:
        values["uplink_networks"] = networks
    return Layer(found.name, values, lines), mistakes


def _network(block: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Translate a network; what is wrong with it second, empty where nothing is."""
    ssid = _text(block.get("ssid", ""))
    if not ssid:
        return {}, 'a network without a name. Cure: write ssid="NAME" into it'
    if block.get("disabled") == "1":
        return {}, ""
    network: dict[str, Any] = {"ssid": ssid}
    if block.get("scan_ssid") == "1":
        network["hidden"] = True
    priority = block.get("priority", "0")
    if priority.isdigit() and priority != "0":
        network["priority"] = min(int(priority), _HIGHEST_PRIORITY)
    kinds = set(
        block.get("key_mgmt", "WPA-PSK SAE" if "sae_password" in block else "WPA-PSK").split()
    )
    secret = block.get("psk") or block.get("sae_password") or ""
    if "NONE" in kinds and "wep_key0" not in block:
        network["security"] = "open"
        return network, ""
    if not kinds & {"WPA-PSK", "WPA-PSK-SHA256", "SAE"}:
        return {}, (
            f"the network {ssid} is protected in a way that the bridge does not know. Cure: use a "
            "network with WPA2 or WPA3 and a passphrase"
        )
    if not secret:
        return {}, f'the network {ssid} has no passphrase. Cure: write psk="PASSPHRASE" into it'
    if _PSK.fullmatch(secret):
        network["psk"] = secret
    else:
        # Many forget the quotes, and no key but one of 64 digits goes without.
        network["passphrase"] = _text(secret) if secret[0] in '"P' else secret
    if "SAE" in kinds and "passphrase" in network:
        network["security"] = "wpa3" if kinds == {"SAE"} else "wpa2-wpa3"
    return network, ""


def _text(value: str) -> str:
    """Read a text: in quotes, ``P"..."`` with escapes, or in hexadecimal digits."""
    if value.startswith('P"'):
        return _unescaped(value[2:].rpartition('"')[0])
    if value.startswith('"'):
        # A quote within needs no mark: the last one ends it.
        return value[1:].rpartition('"')[0]
    try:
        return bytes.fromhex(value).decode()
    except ValueError:
        return value


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        said = match[1]
        if len(said) > 1:
            return chr(int(said[1:], 16))
        return _PLAIN_ESCAPES.get(said, said)

    # Escapes stand for bytes, which together are UTF-8.
    raw = _ESCAPE.sub(character, text.encode().decode("latin-1"))
    return raw.encode("latin-1").decode(errors="replace")
