"""Get_Comm from variables: which of the PVS's interfaces has internet access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pvs_bridge.compat import values
from pvs_bridge.compat.devices import now
from pvs_bridge.compat.mapping import INTERFACES
from pvs_bridge.pvs.variables import Plant

STATES = "/net/"
"""Part of the names of all variables with the state of an interface."""

_ONLINE = "online"


def network_status(plant: Plant, states: Mapping[str, str]) -> dict[str, Any]:
    """Return the state of the PVS's interfaces.

    Args:
        plant: Has the active interface and the time.
        states: /net/NAME/state of each interface.
    """
    interfaces = [
        {"interface": name, "internet": "up" if states[variable] == _ONLINE else "down"}
        for variable, name in _known(states).items()
    ]
    status: dict[str, Any] = {"interfaces": interfaces}
    active = values.text(plant.info.get("active_interface"))
    if active is not None:
        status["system"] = {"interface": INTERFACES.get(active, active)}
        state = states.get(f"/net/{active}/state")
        if state is not None:
            status["system"]["internet"] = "up" if state == _ONLINE else "down"
    at = now(plant)
    if at is not None:
        status["ts"] = str(at)
    return status


def _known(states: Mapping[str, str]) -> dict[str, str]:
    known = {f"/net/{variable}/state": name for variable, name in INTERFACES.items()}
    return {variable: name for variable, name in known.items() if variable in states}
