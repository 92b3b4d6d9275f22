"""Read one bridge's configuration from an inventory, with all templates rendered.

Secrets in the vault or the environment are resolved here, because the Pi has access to neither.
"""

from __future__ import annotations

import bridgectl.ansible_loader  # noqa: F401 - it configures Ansible before Ansible is imported

# isort: split
import re
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
from bridgectl.inventory.passwords import Password
from bridgectl.inventory.select import select_bridge
from pvs_image.bridge_configuration import BridgeConfiguration
from pvs_image.errors import ImageError

_HOSTNAME = "uplink_hostname"
_USER = "ansible_user"
# What the Pi accepts in userconf.txt, as Raspberry Pi OS does.
_USER_NAME = re.compile("[a-z][a-z0-9_-]{0,31}")
# These name hosts as the controller sees them, which is useless on the Pi itself.
_CONTROLLER_ONLY = frozenset({"health_address", "health_client"})


def read_configuration(
    inventory: Path, limit: str, passwords: Sequence[Password]
) -> BridgeConfiguration:
    """Read and check the configuration of the one bridge that a pattern matches.

    Args:
        inventory: an Ansible inventory.
        limit: an Ansible host pattern; empty for an inventory with one bridge.
        passwords: vault passwords.

    Raises:
        ImageError: the inventory is unreadable, the pattern does not match exactly one bridge, or
            the configuration has mistakes.
    """
    try:
        found, bridge = select_bridge(inventory, limit, "personalise", passwords)
    except CannotWorkError as error:
        raise ImageError(error.issue.located_problem, error.issue.hint) from None
    return BridgeConfiguration(
        bridge, str(inventory), _variables(found, bridge), _user(found, bridge)
    )


def _user(inventory: Inventory, bridge: str) -> str:
    """Return the user of `make provision` on the Pi; pi if the inventory names none.

    Raises:
        ImageError: the name is not possible on the card.
    """
    known = inventory.variables(bridge)
    user = Templar(loader=inventory.loader, variables=known).template(known.get(_USER, "pi"))
    if not _USER_NAME.fullmatch(str(user)):
        raise ImageError(
            f"{_USER} of {bridge} must be a name in lower case, got {user!r}",
            f"write {_USER}: pi, or another user of the card",
        )
    return str(user)


def _variables(inventory: Inventory, bridge: str) -> dict[str, Any]:
    """Render and check the variables that the inventory sets for a bridge.

    Raises:
        ImageError: a value is wrong, or a card does not support it.
    """
    known = inventory.variables(bridge)
    templar = Templar(loader=inventory.loader, variables=known)
    checked = check_variables(known, inventory.specs, templar)
    if checked.issues:
        raise ImageError(
            "\n".join([f"{bridge} has mistakes in its configuration:"]
                      + [str(each) for each in checked.issues]),
            "correct these values; for encrypted ones set ANSIBLE_VAULT_PASSWORD_FILE",
        )  # fmt: skip
    if checked.rendered.get("bridge_backend") == "dhcpcd":
        raise ImageError(
            f"{bridge} has bridge_backend: dhcpcd, but the card has NetworkManager",
            "remove bridge_backend from its configuration, or provision a Pi that runs dhcpcd",
        )
    wanted = all_options(inventory.specs).keys() - _CONTROLLER_ONLY
    variables = {
        str(name): _plain(checked.rendered[name])
        for name in inventory.own_variables(bridge)
        if name in wanted and name in checked.rendered
    }
    # The default is the host's name in the inventory, which the Pi does not know.
    variables.setdefault(_HOSTNAME, _plain(templar.template(known[_HOSTNAME])))
    return variables


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value
    """Return a value without Ansible's tags, such as its origin."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
