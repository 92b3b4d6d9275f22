"""Get_Comm from variables: which of the PVS's interfaces has internet access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pvs_bridge.compat import values
from pvs_bridge.compat.devices import now
from pvs_bridge.compat.mapping import INTERFACES, Interface
from pvs_bridge.pvs.variables import Plant

STATES = "/net/"
"""Part of the names of all variables with the state of an interface."""

_ONLINE = "online"


def network_status(plant: Plant, states: Mapping[str, str]) -> dict[str, Any]:
    """Return the state of the PVS's interfaces, with every key that the old API has.

    Args:
        plant: Has the active interface and the time.
        states: /net/NAME/state of each interface; its names differ by model.
    """
    online = {
        each.name: any(states.get(f"/net/{name}/state") == _ONLINE for name in each.variables)
        for each in INTERFACES
    }
    active = values.text(plant.info.get("active_interface")) or ""
    name = next((each.name for each in INTERFACES if active in each.variables), active)
    at = now(plant)
    return {
        "interfaces": [_entry(each, online=online[each.name]) for each in INTERFACES],
        "system": {
            "interface": name,
            "internet": "up" if online.get(name) else "down",
            "sms": "unreachable",
        },
        "ts": "" if at is None else str(at),
    }


def _entry(interface: Interface, *, online: bool) -> dict[str, Any]:
    told = {key: up if online else down for key, (up, down) in interface.online.items()}
    # In alphabetical order, as a PVS writes them after the name.
    return {"interface": interface.name, **dict(sorted({**interface.unknown, **told}.items()))}
