"""What each file on the boot partition configures, and the configuration that results."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pvs_bridge.errors import Location

Path = tuple[str | int, ...]
"""The place of a value within the variables: a variable's name, then keys and list indexes."""

COUNTRY, USER_DATA, NETWORK_CONFIG = "country", "user-data", "network-config"
WPA_SUPPLICANT, CONFIGURATION = "wpa_supplicant", "configuration"
ORDER = (COUNTRY, USER_DATA, NETWORK_CONFIG, WPA_SUPPLICANT, CONFIGURATION)
"""The layers in ascending precedence."""

# These decide whether the Pi joins the home network. Everything else can wait until the
# configuration is corrected.
ESSENTIAL = frozenset(
    {"uplink_type", "uplink_interface", "uplink_networks", "uplink_country", "uplink_hostname"}
)


# Without these, a network cannot be joined.
_NECESSARY = frozenset({"ssid", "passphrase", "psk"})


@dataclass(frozen=True)
class Layer:
    """What one file configures.

    Attributes:
        file: The file's name as it is spelled on the boot partition.
        values: The bridge's variables.
        lines: The line of each value, counted from 1, by its :func:`written` path.
    """

    file: str
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the layer as JSON types."""
        return {"file": self.file, "values": dict(self.values), "lines": dict(self.lines)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Layer:
        """Read the result of :meth:`to_json`."""
        return cls(value["file"], value["values"], value["lines"])

    def location(self, path: Path) -> Location:
        """Return the line of a value, or of the nearest value around it."""
        for length in range(len(path), 0, -1):
            line = self.lines.get(written(path[:length]))
            if line:
                return Location(self.file, line, written(path))
        return Location(self.file, variable=written(path))

    def removable(self, path: Path) -> Path:
        """Return the path of what has to be removed if a value is wrong.

        A setting that a network does without is removed alone, an item of a list alone, and
        anything else with its whole variable. A list with one item is removed as a whole, so
        that the next layer takes effect.
        """
        items = self.values.get(str(path[0]))
        if len(path) == 1 or not (isinstance(items, list) and isinstance(path[1], int)):
            return path[:1]
        network = path[0] == "uplink_networks" and isinstance(items[path[1]], dict)
        if network and len(path) == 3 and path[2] not in _NECESSARY:
            return path
        return path[:2] if len(items) > 1 else path[:1]

    def without(self, path: Path) -> Layer:
        """Remove a value; see :meth:`removable`."""
        values = dict(copy.deepcopy(self.values))
        *outer, last = self.removable(path)
        value: Any = values
        for part in outer:
            value = value[part]
        if isinstance(value, list):
            del value[int(last)]
        else:
            value.pop(last, None)
        return Layer(self.file, values, self.lines)


Layers = Mapping[str, Layer]


def to_json(layers: Layers) -> dict[str, Any]:
    """Return layers as JSON types."""
    return {name: layer.to_json() for name, layer in layers.items()}


def from_json(value: Any) -> dict[str, Layer]:  # noqa: ANN401 - None, or what to_json returned
    """Read the result of :func:`to_json`; return an empty mapping for None."""
    return {name: Layer.from_json(each) for name, each in (value or {}).items()}


# Names do not affect the connection.
_NAMES = frozenset({"uplink_hostname", "uplink_mdns"})


def merged(layers: Layers, home: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Merge the layers, variable by variable.

    Args:
        layers: What each file configures.
        home: The connection that last reached the home network, which stays if the files have
            none; None if it was never reached. Without it, uplink_type becomes none.
    """
    variables = _united(layers)
    if loses_home(layers):
        variables.update(home or {"uplink_type": "none"})
    return variables


def loses_home(layers: Layers) -> bool:
    """Return whether the files have no connection to the home network, without saying so."""
    variables = _united(layers)
    wifi = variables.get("uplink_type", "wifi") == "wifi"
    return wifi and not variables.get("uplink_networks")


def connection(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that decide how the Pi reaches the home network."""
    return {
        name: value
        for name, value in variables.items()
        if name.startswith(("uplink_", "bridge_backend")) and name not in _NAMES
    }


def _united(layers: Layers) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for name in ORDER:
        if name in layers:
            variables.update(layers[name].values)
    return variables


def origin(layers: Layers, path: Path) -> tuple[str, Layer] | None:
    """Return the layer that sets a variable; None if no layer does."""
    for name in reversed(ORDER):
        if name in layers and path[0] in layers[name].values:
            return name, layers[name]
    return None


def overruled(layers: Layers) -> list[str]:
    """Return a note for each value that another file overrides."""
    notes = []
    for number, low in enumerate(ORDER):
        for name in layers[low].values if low in layers else ():
            over = [
                layers[high]
                for high in ORDER[number + 1 :]
                if high in layers and name in layers[high].values
            ]
            if low != COUNTRY and over and over[-1].values[name] != layers[low].values[name]:
                notes.append(
                    f"{layers[low].location((name,))} is not used, because "
                    f"{over[-1].location((name,)).place} sets another value"
                )
    return notes


def written(path: Sequence[str | int]) -> str:
    """Write a path as in a configuration file: ``("a", 0, "b")`` is ``a[0].b``."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += f".{part}" if name else part
    return name


def parsed(name: str) -> Path:
    """Read the result of :func:`written`."""
    parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", name)
    return tuple(int(number) if number else word for number, word in parts)
