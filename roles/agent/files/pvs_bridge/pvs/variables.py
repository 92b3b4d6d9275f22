"""Read a body of /vars strictly, and sort it into the plant's devices."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pvs_bridge.pvs.errors import DamagedError
from pvs_bridge.pvs.serials import serial_of

OPEN_PREFIX = "/sys/info/"
"""The variables below it are readable without a login."""

_DEVICE = re.compile(r"/sys/devices/([a-z_]{1,32})/([0-9]{1,4})/([A-Za-z0-9_]{1,64})")


def read_values(body: bytes) -> dict[str, object]:
    """Return the variables of a good answer by name, as the PVS has written their values.

    Raises:
        DamagedError: The body is cut off, garbled or inconsistent.
    """
    try:
        # A number that is none, which JSON does not have, stays a text.
        answer: Any = json.loads(body.decode(), parse_constant=str)
    except (ValueError, RecursionError):
        raise DamagedError("it is not JSON") from None
    values = answer.get("values") if isinstance(answer, dict) else None
    if not isinstance(values, list):
        raise DamagedError("it does not have values")
    # Stray bytes inside would not parse, but a list that lost some values would.
    count = answer.get("count")
    if isinstance(count, bool) or count != len(values):
        raise DamagedError("its number of values is not its count")
    variables: dict[str, object] = {}
    for each in values:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise DamagedError("it has a value without a name")
        name, value = each["name"], each.get("value")
        if _text(variables.setdefault(name, value)) != _text(value):
            raise DamagedError("it has two values for one name")
    return variables


def texts(values: Mapping[str, object]) -> dict[str, str]:
    """Return values as texts, without blanks around them.

    Some builds write numbers as JSON numbers. A value of another type is left out.
    """
    found = ((name, _text(value)) for name, value in values.items())
    return {name: text for name, text in found if text is not None}


def read_variables(body: bytes) -> dict[str, str]:
    """Return the variables of a good answer by name, as texts.

    Raises:
        DamagedError: The body is cut off, garbled or inconsistent.
    """
    return texts(read_values(body))


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value).strip()


@dataclass(frozen=True)
class Plant:
    """Variables sorted by device, each by the last part of its name.

    Attributes:
        info: /sys/info.
        live: /sys/livedata.
        pvs: /sys/pvs.
        devices: By kind (inverter, meter, ess, transfer_switch), in the PVS's order.
    """

    info: Mapping[str, str]
    live: Mapping[str, str]
    pvs: Mapping[str, str]
    devices: Mapping[str, tuple[Mapping[str, str], ...]]

    def of(self, kind: str) -> tuple[Mapping[str, str], ...]:
        """Return the devices of a kind, possibly none."""
        return self.devices.get(kind, ())


def sort_plant(variables: Mapping[str, str]) -> Plant:
    """Sort variables into a plant, without unknown variables and inverters that do not exist."""
    found: dict[str, dict[int, dict[str, str]]] = {}
    for name, value in variables.items():
        match = _DEVICE.fullmatch(name)
        if match is not None:
            kind, index, leaf = match.groups()
            found.setdefault(kind, {}).setdefault(int(index), {})[leaf] = value
    return Plant(
        info=_below(variables, OPEN_PREFIX),
        live=_below(variables, "/sys/livedata/"),
        pvs=_below(variables, "/sys/pvs/"),
        devices={
            kind: tuple(
                device
                for _, device in sorted(by_index.items())
                if kind != "inverter" or serial_of(device.get("sn"))
            )
            for kind, by_index in found.items()
        },
    )


def _below(variables: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name[len(prefix) :]: v for name, v in variables.items() if name.startswith(prefix)}
