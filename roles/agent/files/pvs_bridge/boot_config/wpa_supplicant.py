"""wpa_supplicant.conf on the boot partition, as many guides recommend it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pvs_bridge.boot_config.boot_partition import Found
from pvs_bridge.boot_config.layers import Layer, written
from pvs_bridge.errors import Issue, IssueError, Location

NAME = "wpa_supplicant.conf"

_BLOCK = re.compile(r"network\s*=\s*\{")
_SETTING = re.compile(r"^\s*(?P<key>\w+)\s*=\s*(?P<value>.*?)\s*$")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "e": "\033"}
_PSK = re.compile(r"[0-9A-Fa-f]{64}")
_KNOWN = frozenset({"WPA-PSK", "WPA-PSK-SHA256", "SAE"})
_HIGHEST_PRIORITY = 400


class _NetworkError(IssueError):
    """A network that the bridge cannot join."""


@dataclass
class _Reader:
    """Reads the file line by line.

    Attributes:
        file: The file's name.
        networks: The complete networks.
        country: The country; empty without one.
        lines: The line of each value.
        issues: What cannot be used.
        block: The settings of the current network; None outside of a network.
        began: The line at which it begins.
    """

    file: str
    networks: list[dict[str, Any]] = field(default_factory=list)
    country: str = ""
    lines: dict[str, int] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
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
        """Report a network without an end."""
        if self.block is not None:
            self._report("this network has no end", "add a line with } after it", self.began)

    def _report(self, problem: str, hint: str, line: int) -> None:
        self.issues.append(Issue(problem, hint, Location(self.file, line)))

    def _close(self, block: dict[str, str]) -> None:
        if block.get("disabled") == "1":
            return
        try:
            network = _network(block)
        except _NetworkError as error:
            self.issues.append(error.issue.at(Location(self.file, self.began)))
            return
        self.lines.setdefault("uplink_networks", self.began)
        self.lines[written(("uplink_networks", len(self.networks)))] = self.began
        self.networks.append(network)

    def _set(self, number: int, text: str) -> None:
        setting = _SETTING.match(text)
        if setting is None:
            self._report("is not a setting and was ignored", "remove it", number)
        elif self.block is not None:
            self.block[setting["key"]] = setting["value"]
        elif setting["key"] == "country":
            self.country = setting["value"].strip('"').upper()
            self.lines["uplink_country"] = number


def read(found: Found) -> tuple[Layer, list[Issue]]:
    """Read country and networks.

    Returns:
        the configuration, and what cannot be used.
    """
    reader = _Reader(found.name)
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
    return Layer(found.name, values, reader.lines), reader.issues


def _network(block: dict[str, str]) -> dict[str, Any]:
    """Convert a network to an item of uplink_networks.

    Raises:
        _NetworkError: The bridge cannot join it.
    """
    ssid = _text(block.get("ssid", ""))
    if not ssid:
        raise _NetworkError("this network has no name", 'add ssid="NAME"')
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
            f"the network {ssid} uses a security that the bridge does not support",
            "use a network with WPA2 or WPA3 and a passphrase",
        )
    return {**network, **_secret(block, ssid, kinds)}


def _secret(block: dict[str, str], ssid: str, kinds: set[str]) -> dict[str, str]:
    secret = block.get("psk") or block.get("sae_password") or ""
    if not secret:
        raise _NetworkError(f"the network {ssid} has no passphrase", 'add psk="PASSPHRASE"')
    if _PSK.fullmatch(secret):
        return {"psk": secret}
    # Many users forget the quotes; only a key of 64 digits is valid without them.
    chosen = {"passphrase": _text(secret) if secret.startswith(('"', 'P"')) else secret}
    if "SAE" in kinds:
        chosen["security"] = "wpa3" if kinds == {"SAE"} else "wpa2-wpa3"
    return chosen


def _text(value: str) -> str:
    """Read a text: in quotes, ``P"..."`` with escapes, or hexadecimal digits."""
    if value.startswith('P"'):
        return _unescaped(value[2:].rpartition('"')[0])
    if value.startswith('"'):
        # A quote within the text is not escaped: the last one ends it.
        return value[1:].rpartition('"')[0]
    try:
        return bytes.fromhex(value).decode()
    except ValueError:
        return value


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) > 1:
            return chr(int(escape[1:], 16))
        return _PLAIN_ESCAPES.get(escape, escape)

    # Escapes are the bytes of a UTF-8 text.
    raw = _ESCAPE.sub(character, text.encode().decode("latin-1"))
    return raw.encode("latin-1").decode(errors="replace")
