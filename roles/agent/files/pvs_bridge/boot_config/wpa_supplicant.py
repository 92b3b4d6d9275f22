"""wpa_supplicant.conf, as guides of many years have people write it onto the FAT partition."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pvs_bridge.boot_config.boot_partition import Found
from pvs_bridge.boot_config.layers import Layer, written

NAME = "wpa_supplicant.conf"

_BLOCK = re.compile(r"network\s*=\s*\{")
_SETTING = re.compile(r"^\s*(?P<key>\w+)\s*=\s*(?P<value>.*?)\s*$")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "e": "\033"}
_PSK = re.compile(r"[0-9A-Fa-f]{64}")
_KNOWN = frozenset({"WPA-PSK", "WPA-PSK-SHA256", "SAE"})
_HIGHEST_PRIORITY = 400


class _NetworkError(Exception):
    """A network that the bridge cannot join; says problem and hint."""


@dataclass
class _Reader:
    """Reads line by line.

    Attributes:
        networks: those that were complete.
        country: where one was named.
        lines: where each value stands.
        mistakes: line, problem and hint of each.
        block: the settings of the network that has begun; None outside of one.
        began: the line where it has.
    """

    networks: list[dict[str, Any]] = field(default_factory=list)
    country: str = ""
    lines: dict[str, int] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    block: dict[str, str] | None = None
    began: int = 0

    def take(self, number: int, text: str) -> None:
        """Read a line."""
        if self.block is None and _BLOCK.match(text):
            self.block, self.began = {}, number
        elif self.block is not None and text == "}":
            self._close(self.block)
            self.block = None
        else:
            self._set(number, text)

    def end(self) -> None:
        """Say where a network has no end."""
        if self.block is not None:
            self.mistakes.append(
                f"line {self.began}: this network has no end. Hint: put }} on a line behind it"
            )

    def _close(self, block: dict[str, str]) -> None:
        if block.get("disabled") == "1":
            return
        try:
            network = _network(block)
        except _NetworkError as error:
            self.mistakes.append(f"line {self.began}: {error}")
            return
        self.lines.setdefault("uplink_networks", self.began)
        self.lines[written(("uplink_networks", len(self.networks)))] = self.began
        self.networks.append(network)

    def _set(self, number: int, text: str) -> None:
        setting = _SETTING.match(text)
        if setting is None:
            self.mistakes.append(f"line {number}: is no setting, and was left out. Hint: remove it")
        elif self.block is not None:
            self.block[setting["key"]] = setting["value"]
        elif setting["key"] == "country":
            self.country = setting["value"].strip('"').upper()
            self.lines["uplink_country"] = number


def read(found: Found) -> tuple[Layer, list[str]]:
    """Read country and networks.

    Returns:
        what it says, and the mistakes in it: line, problem and hint.
    """
    reader = _Reader()
    for number, line in enumerate(found.text.splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            reader.take(number, text)
    reader.end()
    values: dict[str, Any] = {}
    if reader.country:
        values["uplink_country"] = reader.country
    if reader.networks:
        values["uplink_networks"] = reader.networks
    return Layer(found.name, values, reader.lines), reader.mistakes


def _network(block: dict[str, str]) -> dict[str, Any]:
    """Translate a network.

    Raises:
        _NetworkError: the bridge could not join it.
    """
    ssid = _text(block.get("ssid", ""))
    if not ssid:
        raise _NetworkError('is a network without a name. Hint: write ssid="NAME" into it')
    network: dict[str, Any] = {"ssid": ssid}
    if block.get("scan_ssid") == "1":
        network["hidden"] = True
    priority = block.get("priority", "0")
    if priority.isdigit() and priority != "0":
        network["priority"] = min(int(priority), _HIGHEST_PRIORITY)
    usual = "WPA-PSK SAE" if "sae_password" in block else "WPA-PSK"
    kinds = set(block.get("key_mgmt", usual).split())
    if "NONE" in kinds and "wep_key0" not in block:
        return {**network, "security": "open"}
    if not kinds & _KNOWN:
        raise _NetworkError(
            f"the network {ssid} is protected in a way that the bridge does not know. Hint: use a "
            "network with WPA2 or WPA3 and a passphrase"
        )
    return {**network, **_secret(block, ssid, kinds)}


def _secret(block: dict[str, str], ssid: str, kinds: set[str]) -> dict[str, str]:
    secret = block.get("psk") or block.get("sae_password") or ""
    if not secret:
        raise _NetworkError(
            f'the network {ssid} has no passphrase. Hint: write psk="PASSPHRASE" into it'
        )
    if _PSK.fullmatch(secret):
        return {"psk": secret}
    # Many forget the quotes, and no key but one of 64 digits goes without.
    chosen = {"passphrase": _text(secret) if secret.startswith(('"', 'P"')) else secret}
    if "SAE" in kinds:
        chosen["security"] = "wpa3" if kinds == {"SAE"} else "wpa2-wpa3"
    return chosen


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
