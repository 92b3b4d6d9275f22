"""What each file of the card says about the bridge, and what comes of all of them together."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
"""Where in the variables something stands: a variable's name, then keys and list indexes."""

COUNTRY, USER_DATA, NETWORK_CONFIG = "country", "user-data", "network-config"
WPA_SUPPLICANT, DESCRIPTION = "wpa_supplicant", "description"
ORDER = (COUNTRY, USER_DATA, NETWORK_CONFIG, WPA_SUPPLICANT, DESCRIPTION)
"""The layers, from the one that others overrule to the one that overrules them."""

# What decides whether the Pi is found at home; everything else can wait for a better description.
ESSENTIAL = frozenset(
    {"uplink_type", "uplink_interface", "uplink_networks", "uplink_country", "uplink_hostname"}
)


@dataclass(frozen=True)
class Layer:
    """What one file says.

    Attributes:
        file: its name on the FAT partition, as it is spelled there.
        values: the bridge's variables.
        lines: where each value stands, counted from 1, by its :func:`written` path.
    """

    file: str
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {"file": self.file, "values": dict(self.values), "lines": dict(self.lines)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Layer:
        """Read what :meth:`to_json` has made."""
        return cls(value["file"], value["values"], value["lines"])

    def place(self, path: Path) -> str:
        """Say where a value stands, or the nearest thing around it: ``pvs-bridge.yml line 7``."""
        for length in range(len(path), 0, -1):
            line = self.lines.get(written(path[:length]))
            if line:
                return f"{self.file} line {line}"
        return self.file

    def without(self, path: Path) -> Layer:
        """Leave a value out: an item of a list alone, and anything else with its whole variable.

        A list that has no item left is left out as well: then the next layer counts.
        """
        values = dict(copy.deepcopy(self.values))
        name, rest = str(path[0]), path[1:]
        value = values.get(name)
        if rest and isinstance(value, list) and isinstance(rest[0], int) and len(value) > 1:
            del value[rest[0]]
        else:
            values.pop(name, None)
        return Layer(self.file, values, self.lines)


Layers = Mapping[str, Layer]


def to_json(layers: Layers) -> dict[str, Any]:
    """Return layers as JSON holds them."""
    return {name: layer.to_json() for name, layer in layers.items()}


def from_json(value: Any) -> dict[str, Layer]:  # noqa: ANN401 - None, or what to_json has made
    """Read what :func:`to_json` has made; empty for None."""
    return {name: Layer.from_json(each) for name, each in (value or {}).items()}


def merged(layers: Layers) -> dict[str, Any]:
    """Put the layers over each other, variable by variable.

    Without any network there is no Wi-Fi, and no way home yet.
    """
    variables: dict[str, Any] = {}
    for name in ORDER:
        if name in layers:
            variables.update(layers[name].values)
    if not variables.get("uplink_networks") and variables.get("uplink_type", "wifi") == "wifi":
        variables["uplink_type"] = "none"
    return variables


def origin(layers: Layers, path: Path) -> tuple[str, Layer] | None:
    """Find the layer whose word counts for a variable; None where none speaks of it."""
    for name in reversed(ORDER):
        if name in layers and path[0] in layers[name].values:
            return name, layers[name]
    return None


def overruled(layers: Layers) -> list[str]:
    """Say which values count for nothing, as another file says otherwise."""
    said = []
    for number, low in enumerate(ORDER):
        for name in layers[low].values if low in layers else ():
            over = [
                layers[high]
                for high in ORDER[number + 1 :]
                if high in layers and name in layers[high].values
            ]
            if low != COUNTRY and over and over[-1].values[name] != layers[low].values[name]:
                said.append(
                    f"{layers[low].place((name,))}: {name} does not count, "
                    f"because {over[-1].place((name,))} says otherwise"
                )
    return said


def written(path: Sequence[str | int]) -> str:
    """Write a path as one does: ``("a", 0, "b")`` is ``a[0].b``."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += f".{part}" if name else part
    return name


def parsed(name: str) -> Path:
    """Read what :func:`written` has made."""
    parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", name)
    return tuple(int(number) if number else word for number, word in parts)


def essential_alone(layer: Layer, keep: Iterable[str] = ESSENTIAL) -> Layer:
    """Keep of a layer what decides whether the Pi is found at home."""
    kept = set(keep)
    values = {name: value for name, value in layer.values.items() if name in kept}
    return Layer(layer.file, values, layer.lines)
