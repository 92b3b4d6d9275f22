"""Raspberry Pi Imager's files for cloud-init: network-config, user-data, the command line.

Their form is that of ``customization_generator.cpp`` of Imager v2.0.11.1, and of older releases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvs_bridge.boot_config import country
from pvs_bridge.boot_config.layers import Layer, written
from pvs_bridge.boot_config.text_file import Found
from pvs_bridge.boot_config.yaml_file import Parsed, parse
from pvs_bridge.errors import Issue, Location

NETWORK, USER, META = "network-config", "user-data", "meta-data"

_PSK = re.compile(r"[0-9A-Fa-f]{64}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_REGULATORY_DOMAIN = re.compile(r"\bcfg80211\.ieee80211_regdom=([A-Za-z]{2})\b")
_ZONES = Path("/usr/share/zoneinfo/zone.tab")
# Such as \xc3\xa9 in a text in double quotes.
_OCTETS = re.compile(r"(?<!\\)(?:\\\\)*\\x[89A-Fa-f]")
_PASSWORDS = ("passwd", "hashed_passwd", "plain_text_passwd")


@dataclass(frozen=True)
class User:
    """The user of Imager's form.

    Attributes:
        name: The user's name; empty if cloud-init creates none.
        has_key: Whether an SSH key was given.
        has_password: Whether a password was given, which may be removed from the file since.
        is_locked: Whether the password cannot be used, as for cloud-init by default.
        password_login: Whether the form asks for SSH logins with the password.
        password_line: Its line, counted from 1.
        becomes_root: Whether sudo asks for no password.
        timezone: Such as ``Europe/London``; empty without one.
        keyboard: The keyboard's layout, such as ``gb``; empty without one.
        keyboard_model: Such as ``pc105``.
        hostname: The Pi's hostname; empty without one.
        hostname_line: The line of the hostname, counted from 1.
    """

    name: str = ""
    has_key: bool = False
    has_password: bool = False
    is_locked: bool = True
    password_login: bool = False
    password_line: int = 0
    becomes_root: bool = False
    timezone: str = ""
    keyboard: str = ""
    keyboard_model: str = "pc105"
    hostname: str = ""
    hostname_line: int = 0

    @property
    def is_locked_out(self) -> bool:
        """Whether the user can log in, but never become root: sudo asks for a password."""
        return self.has_key and self.is_locked and not self.becomes_root


def read_network(found: Found) -> tuple[Layer, list[Issue]]:
    """Read the Wi-Fi networks of network-config; ignore Ethernet.

    Returns:
        the configuration, and what cannot be used.

    Raises:
        BrokenError: It is not a YAML mapping.
    """
    parsed = parse(found.text, found.name)
    issues = parsed.issues
    networks: list[dict[str, Any]] = []
    lines: dict[str, int] = {}
    values: dict[str, Any] = {}
    root = _mapping(parsed.values.get("network", parsed.values))
    prefix = "network." if "network" in parsed.values else ""
    for interface, wifi in _mappings(root.get("wifis")):
        within = f"{prefix}wifis.{interface}"
        code = country.code(str(wifi.get("regulatory-domain", "")))
        if _COUNTRY.fullmatch(code):
            values["uplink_country"] = code
            lines["uplink_country"] = _line(parsed, f"{within}.regulatory-domain")
        for ssid, access_point in _mapping(wifi.get("access-points")).items():
            line = _line(parsed, f"{within}.access-points.{ssid}")
            network, problem, hint = _network(_octets(ssid, found.text, line), access_point)
            if problem:
                issues.append(Issue(problem, hint, Location(found.name, line)))
                continue
            lines[written(("uplink_networks", len(networks)))] = line
            lines.setdefault("uplink_networks", line)
            networks.append(network)
        if interface != "wlan0" and networks:
            values["uplink_interface"] = interface
    if networks:
        values["uplink_networks"] = networks
    return Layer(found.name, values, lines), issues


def read_user(found: Found) -> User:
    """Read the user, the hostname and the time zone of user-data.

    Raises:
        BrokenError: It is not a YAML mapping.
    """
    parsed = parse(found.text, found.name)
    values = parsed.values
    # The entry "user" changes the card's default user, who needs no password for sudo.
    given, sudo = values.get("user"), True
    if not given:
        users = values.get("users")
        others = [each for each in users if each != "default"] if isinstance(users, list) else []
        given, sudo = (others or [None])[0], False
    user = _mapping(given) or {"name": given if isinstance(given, str) else ""}
    hostname, keyboard = values.get("hostname"), _mapping(values.get("keyboard"))
    is_locked = user.get("lock_passwd") is not False
    return User(
        name=str(user.get("name") or ""),
        has_key=bool(user.get("ssh_authorized_keys") or values.get("ssh_authorized_keys")),
        has_password=not is_locked or any(user.get(each) for each in _PASSWORDS),
        is_locked=is_locked,
        password_login=not is_locked and values.get("ssh_pwauth") is True,
        password_line=_line(parsed, "ssh_pwauth"),
        becomes_root=bool(user.get("sudo", sudo)),
        timezone=str(values.get("timezone") or ""),
        keyboard=str(keyboard.get("layout") or ""),
        keyboard_model=str(keyboard.get("model") or "pc105"),
        # Imager accepts a name with a domain; the hostname is the part before it.
        hostname=str(hostname).partition(".")[0] if hostname else "",
        hostname_line=_line(parsed, "hostname"),
    )


def refused(found: Found, names: Iterable[str]) -> Issue | None:
    """Return why cloud-init does not read a user-data; None if it does.

    Its data source NoCloud needs both files, under these names (``DataSourceNoCloud.py``).

    Args:
        found: The file.
        names: The names of all files on the boot partition.
    """
    place = Location(found.name)
    known = {each.lower() for each in names}
    if found.name.lower() != USER:
        return Issue("its user is not created under this name", f"rename it to {USER}", place)
    if META not in known:
        return Issue(
            f"its user is not created, because the file {META} is missing",
            f"write a file {META} with the line instance-id: pvs-bridge",
            place,
        )
    if not found.plain:
        return Issue("its user is not created", "save it with the encoding UTF-8", place)
    if not found.text.startswith("#cloud-config"):
        return Issue(
            "its user is not created, because its first line is another one",
            "write #cloud-config as the first line",
            Location(found.name, 1),
        )
    return None


def country_of_kernel(command_line: str) -> str:
    """Return the country that Imager wrote into the kernel's command line; empty without one."""
    found = _REGULATORY_DOMAIN.search(command_line)
    return found[1].upper() if found else ""


def country_of_timezone(timezone: str, zones: Path = _ZONES) -> str:
    """Return the country of a time zone; empty if it is unknown."""
    try:
        rows = zones.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    split = (row.split("\t") for row in rows if not row.startswith("#"))
    return next((row[0] for row in split if row[2:3] == [timezone]), "")


def _network(ssid: str, access_point: Any) -> tuple[dict[str, Any], str, str]:  # noqa: ANN401 - YAML holds anything
    """Return a network, or a problem and a hint."""
    network: dict[str, Any] = {"ssid": ssid}
    given: Mapping[str, Any] = _mapping(access_point)
    authentication = _mapping(given.get("auth"))
    management = str(authentication.get("key-management", ""))
    secret = given.get("password", authentication.get("password"))
    if given.get("hidden"):
        network["hidden"] = True
    if management in ("eap", "eap-sha256", "eap-suite-b-192", "802.1x"):
        problem = f"the network {ssid} uses a security that the bridge does not support"
        return network, problem, "use a network with WPA2 or WPA3 and a passphrase"
    if access_point is None or (secret is None and "password" in given):
        # Imager writes an open network in another way.
        problem = f"the network {ssid} ends without a password, so the file may be incomplete"
        return network, problem, "write the network into pvs-bridge.yml"
    if secret in (None, ""):
        network["security"] = "open"
    elif _PSK.fullmatch(str(secret)):
        network["psk"] = str(secret)
    else:
        network["passphrase"] = str(secret)
        if management == "sae":
            network["security"] = "wpa3"
    return network, "", ""


def _octets(ssid: str, text: str, line: int) -> str:
    r"""Return the name whose bytes are written as ``\xHH``, as Imager does since 2.0.10.

    YAML reads each as a letter. The bytes are those of UTF-8, unless a router uses another code.

    Args:
        ssid: The name as YAML reads it.
        text: The file's text.
        line: The line of the name.
    """
    typed = text.split("\n")[line - 1] if line else ""
    if not _OCTETS.search(typed):
        return ssid
    try:
        return ssid.encode("latin-1").decode()
    except UnicodeError:
        return ssid


def _mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML holds anything
    """Return a mapping; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - YAML holds anything
    """Return the mappings within a mapping, with their keys."""
    return [(str(name), _mapping(each)) for name, each in _mapping(value).items()]


def _line(parsed: Parsed, path: str) -> int:
    return parsed.lines.get(path, 0)
