"""The configuration files in /etc/pvs-bridge: their keys, and how they are read.

Each process has a file of its own, because compat.json may hold the password of the PVS's owner.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, TypeVar

from pvs_bridge.errors import IssueError, Location

FOLDER = Path("/etc/pvs-bridge")

AUTO, ON = "auto", "on"
"""The modes of the compat service: while the firmware has closed DeviceList, or always."""


class ConfigError(IssueError):
    """A configuration file that cannot be used."""


def _key(accepts: Callable[[Any], bool], must_be: str, **options: Any) -> Any:  # noqa: ANN401
    """Declare a key: what it accepts, and how an error message describes that."""
    return dataclasses.field(metadata={"accepts": accepts, "must_be": must_be}, **options)


def _is_interface(value: object) -> bool:
    # The name becomes part of a path in /sys.
    return (
        isinstance(value, str)
        and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}", value) is not None
    )


def _is_address(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(IPv4Address(value))
    except AddressValueError:
        return False


def _is_host(value: object) -> bool:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9-]{1,63}\.local", value):
        return True
    return _is_address(value)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/") and "\0" not in value


def _is_path_or_empty(value: object) -> bool:
    return value == "" or _is_path(value)


def _is_url(value: object) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"http://[A-Za-z0-9.-]+(:[0-9]+)?", value) is not None
    )


def _is_password(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_quiet_hours(value: object) -> bool:
    time = "([01][0-9]|2[0-3]):[0-5][0-9]"
    return isinstance(value, str) and re.fullmatch(f"({time}-{time})?", value) is not None


def _is_broker(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", value) is not None


def _is_topic(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_/-]{1,128}", value) is not None


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_int(value: object) -> bool:
    # True is an int to Python.
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_text_dict(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _is_panels(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict)
        and all(isinstance(each.get(key), str) for key in ("serial", "name", "roof"))
        and all(_is_int(each.get(key)) for key in ("row", "column"))
        for each in value
    )


def _one_of(*choices: str) -> Any:  # noqa: ANN401
    return _key(lambda value: value in choices, f"one of: {', '.join(choices)}")


def is_number(value: object, low: float, high: float) -> bool:
    """Return whether a value is a finite number in a range, limits included."""
    # True is an int to Python.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and low <= value <= high


def _seconds(low: float, high: float) -> Any:  # noqa: ANN401
    accepts = partial(is_number, low=low, high=high)
    return _key(accepts, f"a number of seconds from {low} to {high}")


def _port() -> Any:  # noqa: ANN401
    return _key(
        lambda value: _is_int(value) and is_number(value, 1, 65535), "a port from 1 to 65535"
    )


def _port_or_zero() -> Any:  # noqa: ANN401
    return _key(
        lambda value: _is_int(value) and is_number(value, 0, 65535),
        "a port from 1 to 65535, or 0",
        default=0,
    )


def _interface(example: str) -> Any:  # noqa: ANN401
    return _key(_is_interface, f"the name of an interface, such as {example}")


def _integer() -> Any:  # noqa: ANN401
    return _key(_is_int, "an integer")


def _flag(**options: Any) -> Any:  # noqa: ANN401
    return _key(_is_bool, "true or false", **options)


def _haproxy_socket() -> Any:  # noqa: ANN401
    return _key(_is_path_or_empty, "the path of a socket of haproxy, or an empty string")


@dataclass(frozen=True)
class HealthConfig:
    """The keys of health.json.

    Attributes:
        pvs_interface: The interface to the PVS.
        pvs_address: The PVS's IPv4 address; in the home network, its name is possible too.
        proxy_port: The port on which haproxy listens.
        uplink_interface: The interface to the home network.
        timeout_seconds: How long a DeviceList may take.
        proxy_serves_home: Whether the home uses the proxy; not so in bridge_mode routed.
        translates: Whether the compat service runs.
        https_port: The port on which haproxy listens for HTTPS; 0 for none.
        pvs_at_home: Whether the PVS is in the home network, without a cable to the Pi.
    """

    pvs_interface: str = _interface("eth0")
    pvs_address: str = _key(_is_host, "the PVS's IPv4 address or mDNS name, such as 172.27.153.1")
    proxy_port: int = _port()
    uplink_interface: str = _interface("wlan0")
    timeout_seconds: float = _seconds(1, 3600)
    proxy_serves_home: bool = _flag(default=True)
    translates: bool = _flag(default=True)
    https_port: int = _port_or_zero()
    pvs_at_home: bool = _flag(default=False)

    @property
    def pvs_network(self) -> IPv4Network:
        """The network at the PVS's cable, which is always a /24."""
        return IPv4Network(f"{self.pvs_address}/24", strict=False)


@dataclass(frozen=True)
class MonitorConfig:
    """The keys of monitor.json.

    Attributes:
        backend: What configures the network: ``networkmanager`` or ``dhcpcd``.
        uplink_type: ``wifi``, ``ethernet``, or ``none`` while no uplink is configured.
        units: The systemd units that must run; a disabled unit is left alone.
        tables: The nftables tables that must exist, by the unit that loads each.
        list_seconds: How often the PVS is asked for its devices.
        proxy_seconds: How long the proxy shares one answer; the PVS is never asked more often.
        reboots: Whether the Pi may be restarted as a last resort.
        temperature_celsius: The temperature from which the Pi counts as hot.
        signal_dbm: The level below which the Wi-Fi counts as weak.
        card_free_mib: The free space below which the card counts as full.
        pvs_flash_free_mib: The free space below which the PVS's flash counts as full.
        read_only_root: Whether the root file system is to be locked.
        announce_pvs: Whether mDNS announces the PVS's serial number.
        announced_port: The port that the announcement names.
        version: The version of this project.
        panels: The names of panels and their places on the roof.
    """

    backend: str = _one_of("networkmanager", "dhcpcd")
    uplink_type: str = _one_of("wifi", "ethernet", "none")
    units: list[str] = _key(_is_text_list, "a list of strings")
    tables: dict[str, str] = _key(_is_text_dict, "a mapping of strings to strings")
    list_seconds: int = _integer()
    proxy_seconds: int = _integer()
    reboots: bool = _flag()
    temperature_celsius: int = _integer()
    signal_dbm: int = _integer()
    card_free_mib: int = _integer()
    pvs_flash_free_mib: int = _integer()
    read_only_root: bool = _flag()
    announce_pvs: bool = _flag()
    announced_port: int = _port()
    version: str = _key(_is_text, "a string")
    panels: list[dict[str, Any]] = _key(
        _is_panels, "a list of panels: serial, name, roof, row, column", default_factory=list
    )


@dataclass(frozen=True)
class CompatConfig:
    """The keys of compat.json.

    Attributes:
        mode: auto: translate while the firmware is locked; on: always.
        listen_socket: The Unix socket on which the compat service serves haproxy.
        live_socket: The one for programs that listen to live data; empty: there is none.
        pvs_url: The PVS, such as http://172.27.153.1.
        pvs_socket: The Unix socket by which haproxy takes requests to the PVS; empty: connect to
            the PVS directly.
        stats_socket: The Unix socket of haproxy's counters; empty: do not read them.
        state_file: Keeps what is known about the PVS over restarts of the Pi.
        password: The password of the PVS's owner; empty: the end of the PVS's serial number.
        cache_seconds: How long one reading is shared.
        stale_seconds: How old a reading may be that is served while there is no fresh one.
        night_seconds: How long a reading is used while no panel produces; less than by day: as by
            day.
        secrets: Whether all variables of /sys/info/ are readable without a login.
        live_data_enabled: Whether the PVS's live data are switched on while a program listens.
        timeout_seconds: How long the PVS may take, including the wait in the queue.
    """

    mode: str = _one_of(AUTO, ON)
    listen_socket: str = _key(_is_path, "the path of a socket")
    live_socket: str = _key(_is_path_or_empty, "the path of a socket, or an empty string")
    pvs_url: str = _key(_is_url, "the PVS's address as a URL, such as http://172.27.153.1")
    pvs_socket: str = _haproxy_socket()
    stats_socket: str = _haproxy_socket()
    state_file: str = _key(_is_path, "the path of a file")
    password: str = _key(_is_password, "a string of printable characters", repr=False)
    cache_seconds: float = _seconds(0, 600)
    stale_seconds: float = _seconds(0, 86400)
    night_seconds: float = _seconds(0, 86400)
    secrets: bool = _flag()
    live_data_enabled: bool = _flag()
    timeout_seconds: float = _seconds(1, 3600)


@dataclass(frozen=True)
class NotifyConfig:
    """The keys of notify.json. The URLs are secrets, in a file of their own.

    Attributes:
        name: The name of the bridge in messages.
        page: The address of the status page; empty for none.
        after_seconds: How long a fault or a warning lasts before it is told.
        quiet_hours: When messages wait, in local time, such as 22:00-07:00; empty for never.
        daily_limit: How many messages are sent within 24 hours.
    """

    name: str = _key(_is_text, "a string")
    page: str = _key(_is_text, "a string")
    after_seconds: float = _seconds(0, 86400)
    quiet_hours: str = _key(_is_quiet_hours, "two times of day, such as 22:00-07:00, or empty")
    daily_limit: int = _key(
        lambda value: _is_int(value) and is_number(value, 1, 1000), "an integer from 1 to 1000"
    )


@dataclass(frozen=True)
class MqttConfig:
    """The keys of mqtt.json.

    Attributes:
        host: The broker's name or address.
        port: Its port.
        user: The user; empty for none.
        password: The user's password.
        tls: Whether to connect by TLS.
        ca: The certificate of the authority that has signed the broker's, as PEM; empty for those
            that Debian knows.
        base_topic: Before the name in all topics of the bridge.
        discovery_prefix: Before the topics of Home Assistant's discovery.
        name: The host name of the bridge.
        page_url: The address of the status page; empty for none.
    """

    host: str = _key(_is_broker, "a host name or an address")
    port: int = _port()
    user: str = _key(_is_text, "a string")
    password: str = _key(_is_text, "a string", repr=False)
    tls: bool = _flag()
    ca: str = _key(_is_text, "a string")
    base_topic: str = _key(_is_topic, "a topic without wildcards")
    discovery_prefix: str = _key(_is_topic, "a topic without wildcards")
    name: str = _key(_is_topic, "the host name of the bridge")
    page_url: str = _key(_is_text, "a string")


Config = TypeVar("Config", HealthConfig, MonitorConfig, CompatConfig, NotifyConfig, MqttConfig)


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read and check a configuration file.

    Args:
        path: The file.
        kind: The class with its keys.

    Raises:
        ConfigError: The file is missing or unreadable, or a key is wrong.
    """
    location = Location(str(path))
    hint = "provision the Pi, which writes this file"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(error.strerror or str(error), hint, location) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not JSON ({error})", hint, location) from error
    return check_config(values, kind, str(path))


def check_config(values: object, kind: type[Config], source: str) -> Config:
    """Check the keys and values of a configuration.

    Args:
        values: The content of the file.
        kind: The class with its keys.
        source: The name of the file, for error messages.

    Raises:
        ConfigError: A key is missing, unknown or wrong.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    hint = f"the keys are {', '.join(fields)}"
    if not isinstance(values, dict):
        raise ConfigError("must be a JSON object", hint, Location(source))
    for name in values:
        if name not in fields:
            raise ConfigError("unknown key", hint, Location(source, variable=name))
    for name, field in fields.items():
        location = Location(source, variable=name)
        must_be = f"must be {field.metadata['must_be']}"
        if name not in values:
            raise ConfigError(f"missing; {must_be}", location=location)
        if not field.metadata["accepts"](values[name]):
            # repr is off for a secret.
            got = f", got {values[name]!r}" if field.repr else ""
            raise ConfigError(f"{must_be}{got}", location=location)
    return kind(**values)
