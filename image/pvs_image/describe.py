"""A bridge's description out of the inventory, as the card takes it: flat, and rendered.

What Ansible would look up on this machine, a secret of the vault or of the environment, is looked
up here: the Pi has neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import (
    check_variables,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.errors import CannotWorkError
from bridgectl.inventory.load import Inventory
from bridgectl.inventory.select import select_bridge
from pvs_image.description import Description
from pvs_image.errors import ImageError

_HOSTNAME = "uplink_hostname"
# Of the machine that provisions: the Pi knows neither that host nor a way to itself from outside.
_CONTROLLERS_OWN = frozenset({"health_address", "health_client"})


def describe(inventory: Path, limit: str, passwords: Sequence[Path]) -> Description:
    """Read and check the description of the one bridge that a pattern fits.

    Args:
        inventory: as Ansible takes it.
        limit: one of Ansible's patterns; empty for an inventory with one bridge.
        passwords: files with a password of the vault each.

    Raises:
        ImageError: it cannot be read, the pattern does not fit one bridge, or there are mistakes in
            the bridge's description.
    """
    try:
        found, bridge = select_bridge(inventory, limit, "personalise", passwords)
    except CannotWorkError as error:
        raise ImageError(error.issue.located_problem, error.issue.hint) from None
    return Description(bridge, str(inventory), _variables(found, bridge))


def _variables(inventory: Inventory, bridge: str) -> dict[str, Any]:
    """Render and check what the inventory sets for a bridge.

    Raises:
        ImageError: there are mistakes in it, or the card cannot be what it says.
    """
    known = inventory.variables(bridge)
    templar = Templar(loader=inventory.loader, variables=known)
    checked = check_variables(known, inventory.specs, templar)
    if checked.issues:
        raise ImageError(
            "\n".join([f"{bridge} cannot go onto a card as it is described:"]
                      + [str(each) for each in checked.issues]),
            "correct what these lines name; ANSIBLE_VAULT_PASSWORD_FILE opens what is encrypted",
        )  # fmt: skip
    if checked.rendered.get("bridge_backend") == "dhcpcd":
        raise ImageError(
            f"{bridge} wants bridge_backend: dhcpcd, and the card has NetworkManager",
            "remove bridge_backend from its description, or provision a Pi that runs dhcpcd",
        )
    wanted = all_options(inventory.specs).keys() - _CONTROLLERS_OWN
    variables = {
        str(name): _plain(checked.rendered[name])
        for name in inventory.own_variables(bridge)
        if name in wanted and name in checked.rendered
    }
    # Where it is not set it comes from the name in the inventory, which the Pi does not have.
    variables.setdefault(_HOSTNAME, _plain(templar.template(known[_HOSTNAME])))
    return variables


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value
    """Return a value without what Ansible remembers of it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
