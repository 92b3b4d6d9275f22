"""What the program has to know about its Pi: care.json, checked before anything is done."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvs_bridge_health.chain import ConfigError

_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "list[str]": (list,),
    "dict[str, str]": (dict,),
}


@dataclass(frozen=True)
class Config:
    """The keys of care.json.

    Attributes:
        backend: what configures the network, ``networkmanager`` or ``dhcpcd``.
        uplink_type: ``wifi``, ``ethernet``, or ``none`` while no way home is described.
        units: systemd's units that have to run; whoever disables one is left alone.
        tables: the tables of nftables that have to be there, by the unit that loads each.
        list_seconds: how often the PVS is asked for its devices.
        proxy_seconds: how long the proxy shares one answer; it is not asked more often, ever.
        reboots: whether the Pi may be restarted as a last resort.
        temperature_celsius: from which temperature on the Pi is called hot.
        signal_dbm: below which level the Wi-Fi is called weak.
        card_free_mib: below how much free space the card is called full.
        pvs_flash_free_mib: below how much free space the PVS's flash is called full.
        read_only_root: whether the Pi's root is to be locked.
        announce_pvs: whether mDNS tells the PVS's serial number.
        proxy_port: the port that the announcement names.
        version: of this project.
    """

    backend: str
    uplink_type: str
    units: list[str]
    tables: dict[str, str]
    list_seconds: int
    proxy_seconds: int
    reboots: bool
    temperature_celsius: int
    signal_dbm: int
    card_free_mib: int
    pvs_flash_free_mib: int
    read_only_root: bool
    announce_pvs: bool
    proxy_port: int
    version: str


def read_config(path: Path) -> Config:
    """Read and check a configuration file.

    Raises:
        ConfigError: It is not there, not readable, or not right.
    """
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}; provision the Pi to write it") from error
    fields = {field.name: str(field.type) for field in dataclasses.fields(Config)}
    if not isinstance(values, dict) or set(values) != set(fields):
        raise ConfigError(f"{path}: give an object with the keys {', '.join(fields)}")
    for name, kind in fields.items():
        value = values[name]
        # True is an int to Python.
        if not isinstance(value, _KINDS[kind]) or (kind == "int" and isinstance(value, bool)):
            raise ConfigError(f"{path}: {name} is {value!r}; give a value of the type {kind}")
    return Config(**values)
