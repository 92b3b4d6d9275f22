"""What the service has to know about its Pi: the keys of compat.json."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

AUTO, ON = "auto", "on"


class ConfigError(Exception):
    """A configuration that cannot be: says which key, and what would be right."""


@dataclass(frozen=True)
class Config:
    """The configuration.

    Attributes:
        mode: auto: translate while the firmware is locked; on: always.
        listen_socket: The Unix socket on which haproxy asks.
        pvs_url: The PVS, such as http://172.27.153.1.
        pvs_socket: The Unix socket by which haproxy takes requests to the PVS; empty: go straight.
        stats_socket: The Unix socket by which haproxy tells its counters; empty: do not watch it.
        state_file: Where what is known about the PVS outlives a restart of the Pi.
        password: Of the PVS's owner; empty: the end of its serial number.
        cache_seconds: How long one reading serves all.
        stale_seconds: How old a reading may be that is served while there is no fresh one.
        timeout_seconds: How long the PVS, the wait for its turn included, may take.
    """

    mode: str
    listen_socket: str
    pvs_url: str
    pvs_socket: str
    stats_socket: str
    state_file: str
    password: str
    cache_seconds: float
    stale_seconds: float
    timeout_seconds: float


def read_config(path: Path) -> Config:
    """Read and check a configuration file.

    Raises:
        ConfigError: It is not there, not readable, or not right.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; provision the Pi to write it") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON ({error}); provision the Pi to write it") from error
    return checked(values, str(path))


def checked(values: object, source: str) -> Config:
    """Check the keys and values of a configuration.

    Raises:
        ConfigError: One is missing, unknown or wrong.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{source}: give an object with the keys {', '.join(_CHECKS)}")
    for key in values:
        if key not in _CHECKS:
            raise ConfigError(f"{source}: unknown key {key}; known are {', '.join(_CHECKS)}")
    for key, (fits, want) in _CHECKS.items():
        if key not in values:
            raise ConfigError(f"{source}: {key} is missing; give {want}")
        if not fits(values[key]):
            # The value itself may be the password.
            raise ConfigError(f"{source}: {key} is not right; give {want}")
    return Config(**values)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/") and "\0" not in value


def _is_path_or_empty(value: object) -> bool:
    return value == "" or _is_path(value)


def _is_url(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"http://[0-9.]+(:[0-9]+)?", value) is not None


def _is_password(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _seconds(low: float, high: float) -> Callable[[Any], bool]:
    def fits(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return math.isfinite(value) and low <= value <= high

    return fits


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "mode": (lambda value: value in (AUTO, ON), "auto or on"),
    "listen_socket": (_is_path, "the path of a socket"),
    "pvs_url": (_is_url, "the PVS's address as a URL, such as http://172.27.153.1"),
    "pvs_socket": (_is_path_or_empty, "the path of a socket of haproxy's, or an empty text"),
    "stats_socket": (_is_path_or_empty, "the path of a socket of haproxy's, or an empty text"),
    "state_file": (_is_path, "the path of a file"),
    "password": (_is_password, "a password of printable characters, or an empty text"),
    "cache_seconds": (_seconds(0, 600), "a number of seconds from 0 to 600"),
    "stale_seconds": (_seconds(0, 86400), "a number of seconds from 0 to 86400"),
    "timeout_seconds": (_seconds(1, 3600), "a number of seconds from 1 to 3600"),
}
