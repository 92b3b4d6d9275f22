"""Raspberry Pi Imager's files for cloud-init: network-config, user-data, the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvs_bridge.boot_config.boot_partition import Found
from pvs_bridge.boot_config.layers import Layer, written
from pvs_bridge.boot_config.yaml_file import Parsed, parse

NETWORK, USER = "network-config", "user-data"

_PSK = re.compile(r"[0-9A-Fa-f]{64}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_REGULATORY_DOMAIN = re.compile(r"\bcfg80211\.ieee80211_regdom=([A-Z]{2})\b")
_ZONES = Path("/usr/share/zoneinfo/zone.tab")


@dataclass(frozen=True)
class User:
    """The user of Imager's form.

    Attributes:
        name: The user's name; empty without one.
        has_key: Whether an SSH key was given.
        has_password: Whether a password was given.
        timezone: Such as ``Europe/London``; empty without one.
        hostname: The Pi's hostname; empty without one.
        hostname_line: The line of the hostname, counted from 1.
    """

    name: str = ""
    has_key: bool = False
    has_password: bool = False
    timezone: str = ""
    hostname: str = ""
    hostname_line: int = 0


def read_network(found: Found) -> Layer:
    """Read the Wi-Fi networks of network-config; ignore Ethernet.

    Raises:
        BrokenError: It is not a YAML mapping.
    """
    parsed = parse(found.text, found.name)
    networks: list[dict[str, Any]] = []
    lines: dict[str, int] = {}
    values: dict[str, Any] = {}
    root = _mapping(parsed.values.get("network", parsed.values))
    prefix = "network." if "network" in parsed.values else ""
    for interface, wifi in _mappings(root.get("wifis")):
        within = f"{prefix}wifis.{interface}"
        country = wifi.get("regulatory-domain")
        if isinstance(country, str) and _COUNTRY.fullmatch(country.upper()):
            values["uplink_country"] = country.upper()
            lines["uplink_country"] = _line(parsed, f"{within}.regulatory-domain")
        for ssid, access_point in _mappings(wifi.get("access-points")):
            line = _line(parsed, f"{within}.access-points.{ssid}")
            lines[written(("uplink_networks", len(networks)))] = line
            lines.setdefault("uplink_networks", line)
            networks.append(_network(ssid, access_point))
        if interface != "wlan0" and networks:
            values["uplink_interface"] = interface
    if networks:
        values["uplink_networks"] = networks
    return Layer(found.name, values, lines)


def read_user(found: Found) -> User:
    """Read the user, the hostname and the time zone of user-data.

    Raises:
        BrokenError: It is not a YAML mapping.
    """
    parsed = parse(found.text, found.name)
    values = parsed.values
    users = values.get("users")
    listed = [each for each in users if isinstance(each, dict)] if isinstance(users, list) else []
    user = _mapping(values.get("user")) or (listed[0] if listed else {})
    hostname = values.get("hostname")
    return User(
        name=str(user.get("name") or ""),
        has_key=bool(user.get("ssh_authorized_keys") or values.get("ssh_authorized_keys")),
        has_password=bool(user.get("passwd") or user.get("hashed_passwd")),
        timezone=str(values.get("timezone") or ""),
        # Imager accepts a name with a domain; the hostname is the part before it.
        hostname=str(hostname).partition(".")[0] if hostname else "",
        hostname_line=_line(parsed, "hostname"),
    )


def country_of_kernel(command_line: str) -> str:
    """Return the country that Imager wrote into the kernel's command line; empty without one."""
    found = _REGULATORY_DOMAIN.search(command_line)
    return found[1] if found else ""


def country_of_timezone(timezone: str, zones: Path = _ZONES) -> str:
    """Return the country of a time zone; empty if it is unknown."""
    try:
        rows = zones.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    split = (row.split("\t") for row in rows if not row.startswith("#"))
    return next((row[0] for row in split if row[2:3] == [timezone]), "")


def _network(ssid: str, access_point: Mapping[str, Any]) -> dict[str, Any]:
    network: dict[str, Any] = {"ssid": ssid}
    authentication = _mapping(access_point.get("auth"))
    secret = access_point.get("password", authentication.get("password"))
    if access_point.get("hidden"):
        network["hidden"] = True
    if secret in (None, ""):
        network["security"] = "open"
    elif _PSK.fullmatch(str(secret)):
        network["psk"] = str(secret)
    else:
        network["passphrase"] = str(secret)
        if authentication.get("key-management") == "sae":
            network["security"] = "wpa3"
    return network


def _mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML holds anything
    """Return a mapping; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - YAML holds anything
    """Return the mappings within a mapping, with their keys."""
    return [(str(name), _mapping(each)) for name, each in _mapping(value).items()]


def _line(parsed: Parsed, path: str) -> int:
    return parsed.lines.get(path, 0)
