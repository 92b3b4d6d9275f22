"""wpa_supplicant.conf on the boot partition, as many guides recommend it.

The file's syntax: hostap's ``wpa_supplicant/config_file.c``. What people write who have not read
it is accepted if its meaning is certain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pvs_bridge.boot_config import country
from pvs_bridge.boot_config.layers import Layer, written
from pvs_bridge.boot_config.text_file import QUOTE_HINT, QUOTES, Found, is_typographic
from pvs_bridge.errors import Issue, IssueError, Location

NAME = "wpa_supplicant.conf"

# The settings of a network that people write several of on one line.
_KEY = (
    r"(?:ssid|scan_ssid|psk|key_mgmt|priority|proto|pairwise|group|auth_alg|sae_password|id_str"
    r"|disabled|ieee80211w|bssid|wep_key\d)"
)
_BLOCK = re.compile(r"network\s*[=:]?\s*\{\s*(?P<rest>.*)", re.IGNORECASE)
_ANNOUNCED = re.compile(r"network\s*[=:]?", re.IGNORECASE)
_SETTING = re.compile(r"\s*(?P<key>\w+)\s*=\s*(?P<value>.*)", re.DOTALL)
# A quoted text ends at the first quotation mark after which only the next setting follows, so that
# it can contain quotation marks.
_NEXT = re.compile(rf"(?<=[\s;,{QUOTES}])(?={_KEY}\s*=)", re.IGNORECASE)
_COMMENT = re.compile(r"(?:^|\s)#")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "e": "\033"}
_PSK = re.compile(r"[0-9A-Fa-f]{64}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_KNOWN = frozenset({"WPA-PSK", "WPA-PSK-SHA256", "SAE"})
_HIGHEST_PRIORITY = 400
_TEXTS = frozenset({"ssid", "psk", "sae_password"})


class _NetworkError(IssueError):
    """A network that the bridge cannot join."""


@dataclass
class Network:
    """The settings of a network.

    Attributes:
        line: Where it begins.
        settings: The values as they were typed, by key.
        lines: The line of each setting.
    """

    line: int
    settings: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


@dataclass
class Supplicant:
    """What was read.

    Attributes:
        layer: The configuration.
        complete: Whether the file does not end within a network.
        issues: What cannot be used.
        notes: What was read in another way than wpa_supplicant reads it.
    """

    layer: Layer
    complete: bool = True
    issues: list[Issue] = field(default_factory=list)
    notes: list[Issue] = field(default_factory=list)


@dataclass
class _Reader:
    """Reads the file line by line.

    Attributes:
        file: The file's name.
        networks: The networks.
        loose: What is outside of all networks.
        current: The current network; None outside of a network.
        announced: Whether the last line was ``network=``.
        unknown: The lines that are not settings.
        issues: What cannot be used.
        notes: See :class:`Supplicant`.
    """

    file: str
    networks: list[Network] = field(default_factory=list)
    loose: Network = field(default_factory=lambda: Network(0))
    current: Network | None = None
    announced: bool = False
    unknown: list[int] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    notes: list[Issue] = field(default_factory=list)

    def take(self, number: int, line: str) -> None:
        """Read a line."""
        text = _without_comment(line)
        if not text:
            return
        block = _BLOCK.fullmatch(text) or (self.announced and re.fullmatch(r"\{(?P<rest>.*)", text))
        self.announced = bool(_ANNOUNCED.fullmatch(text))
        if self.announced:
            return
        if block:
            if self.current is not None:
                self.note("this network has no end", "add a line with } after it", number)
            self.current = Network(number)
            self.networks.append(self.current)
            text = block["rest"].strip()
        closed = text.endswith("}")
        for part in _settings(text.rstrip("} \t") if closed else text):
            self._set(number, part.strip(" \t;,"))
        if closed:
            self.current = None

    def end(self) -> None:
        """Check what the end of the file leaves open."""
        loose = self.loose.settings
        if self.current is not None:
            problem = "the file ends within this network, so it may be incomplete"
            self.report(problem, "add a line with } after it", self.current.line)
        elif not self.networks and "ssid" in loose and _TEXTS & loose.keys() - {"ssid"}:
            self.networks.append(self.loose)
            problem = "this network is not within network={ }, and was read all the same"
            self.note(problem, "add a line network={ before it, and } after it", self.loose.line)
        if self.unknown:
            where = ", ".join(str(each) for each in self.unknown[1:4])
            more = f", like line {where}" if where else ""
            problem = f"is not a setting{more}, and was ignored"
            self.report(problem, "remove it, or write it as NAME=VALUE", self.unknown[0])

    def report(self, problem: str, hint: str, line: int) -> None:
        """Add an issue."""
        self.issues.append(Issue(problem, hint, Location(self.file, line)))

    def note(self, problem: str, hint: str, line: int) -> None:
        """Add a note."""
        self.notes.append(Issue(problem, hint, Location(self.file, line)))

    def _set(self, number: int, text: str) -> None:
        if not text:
            return
        setting = _SETTING.fullmatch(text)
        if setting is None:
            self.unknown.append(number)
            return
        network = self.current or self.loose
        key = setting["key"].lower()
        network.line = network.line or number
        network.settings[key] = setting["value"].strip()
        network.lines[key] = number


def read(found: Found) -> Supplicant:
    """Read country and networks."""
    reader = _Reader(found.name)
    for number, line in enumerate(found.text.split("\n"), 1):
        reader.take(number, line.strip())
    reader.end()
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    _read_country(reader, values, lines)
    networks: list[dict[str, Any]] = []
    for each in reader.networks:
        if each.settings.get("disabled") == "1":
            continue
        try:
            network = _network(each, reader)
        except _NetworkError as error:
            if each is reader.current:
                # The end of the file is missing, and reported already.
                continue
            reader.issues.append(error.issue.at(Location(found.name, each.line)))
            continue
        path = ("uplink_networks", len(networks))
        lines.setdefault("uplink_networks", each.line)
        lines[written(path)] = each.line
        for key, name in (("ssid", "ssid"), ("psk", "psk"), ("psk", "passphrase")):
            lines[written((*path, name))] = each.lines.get(key, each.line)
        networks.append(network)
    if networks:
        values["uplink_networks"] = networks
    layer = Layer(found.name, values, lines)
    return Supplicant(layer, reader.current is None, reader.issues, reader.notes)


def _read_country(reader: _Reader, values: dict[str, Any], lines: dict[str, int]) -> None:
    # Some people put it into the network.
    for each in (*reader.networks, reader.loose):
        if "country" in each.settings:
            typed, at = each.settings["country"], each.lines["country"]
            code = country.code(typed)
            values["uplink_country"], lines["uplink_country"] = code, at
            if code != typed:
                reader.note(f"was read as country={code}", f"write country={code}", at)


def _settings(text: str) -> list[str]:
    """Split a line with several settings."""
    parts: list[str] = []
    for part in _NEXT.split(text):
        if parts and not _is_closed(parts[-1].partition("=")[2].strip(" \t;,")):
            parts[-1] += part
        else:
            parts.append(part)
    return parts


def _is_closed(value: str) -> bool:
    """Return whether a value is not within quotation marks, or has the closing one."""
    return value[:1] not in QUOTES or not value or (len(value) > 1 and value[-1] in QUOTES)


def _network(block: Network, reader: _Reader) -> dict[str, Any]:
    """Convert a network to an item of uplink_networks.

    Raises:
        _NetworkError: The bridge cannot join it.
    """
    settings = dict(block.settings)
    for key in _TEXTS & settings.keys():
        settings[key], problem, hint = _straight(settings[key])
        if problem:
            reader.note(problem, hint, block.lines[key])
    ssid = _ssid(settings.get("ssid", ""))
    if not ssid:
        raise _NetworkError("this network has no name", 'add ssid="NAME"')
    if settings["ssid"] == ssid and _HEX.fullmatch(ssid):
        problem = "the name has no quotation marks, and was read as text, not as hexadecimal digits"
        reader.note(problem, f'write ssid="{ssid}"', block.lines["ssid"])
    network: dict[str, Any] = {"ssid": ssid}
    if settings.get("scan_ssid") == "1":
        network["hidden"] = True
    priority = settings.get("priority", "0")
    if priority.isdigit() and priority != "0":
        network["priority"] = min(int(priority), _HIGHEST_PRIORITY)
    usual = "WPA-PSK SAE" if "sae_password" in settings else "WPA-PSK"
    kinds = set(settings.get("key_mgmt", usual).strip(QUOTES).upper().split())
    if "NONE" in kinds and "wep_key0" not in settings:
        return {**network, "security": "open"}
    if not kinds & _KNOWN:
        raise _NetworkError(
            f"the network {ssid} uses a security that the bridge does not support",
            "use a network with WPA2 or WPA3 and a passphrase",
        )
    return {**network, **_secret(settings, ssid, kinds)}


def _secret(settings: dict[str, str], ssid: str, kinds: set[str]) -> dict[str, str]:
    secret = settings.get("psk") or settings.get("sae_password") or ""
    # Many users forget the quotes; only a key of 64 digits is valid without them. With them, it is
    # too long for a passphrase.
    text = _quoted(secret) if secret.startswith(('"', 'P"')) else secret
    if not text:
        raise _NetworkError(f"the network {ssid} has no passphrase", 'add psk="PASSPHRASE"')
    if _PSK.fullmatch(text):
        return {"psk": text}
    chosen = {"passphrase": text}
    if "SAE" in kinds:
        chosen["security"] = "wpa3" if kinds == {"SAE"} else "wpa2-wpa3"
    return chosen


def _straight(value: str) -> tuple[str, str, str]:
    """Return a value in plain quotation marks if it is in others, with a problem and a hint."""
    if value.startswith('P"') or value[:1] not in QUOTES or not value:
        return value, "", ""
    if _is_closed(value):
        plain = f'"{value[1:-1]}"'
        typographic = is_typographic(value[0], value[-1])
        kind = "typographic" if typographic else "single"
        hint = QUOTE_HINT if typographic else 'use "'
        return (plain, "", "") if plain == value else (plain, f"has {kind} quotation marks", hint)
    return f'"{value[1:]}"', "the closing quotation mark is missing", 'add "'


def _ssid(value: str) -> str:
    """Read a name: in quotes, ``P"..."`` with escapes, or hexadecimal digits.

    Programs write digits only for what cannot be in quotes, so that any other name of digits is
    the name itself.
    """
    if value.startswith(('"', 'P"')):
        return _quoted(value)
    if _HEX.fullmatch(value):
        data = bytes.fromhex(value)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return value
        if text.isprintable() and (not text.isascii() or '"' in text):
            return text
    return value


def _quoted(value: str) -> str:
    if value.startswith('P"'):
        return _unescaped(value[2:].rpartition('"')[0])
    # A quote within the text is not escaped: the last one ends it.
    return value[1:].rpartition('"')[0]


def _without_comment(line: str) -> str:
    """Remove a comment that is not within quotation marks."""
    for found in _COMMENT.finditer(line):
        before = line[: found.start()]
        if _is_closed(before.partition("=")[2].strip(" \t;,}")):
            return before.strip()
    return line.strip()


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) > 1:
            return chr(int(escape[1:], 16))
        return _PLAIN_ESCAPES.get(escape, escape)

    # Escapes are the bytes of a UTF-8 text.
    raw = _ESCAPE.sub(character, text.encode().decode("latin-1"))
    return raw.encode("latin-1").decode(errors="replace")
