"""Read one bridge's configuration from an inventory, with all templates rendered.

Secrets in the vault or the environment are resolved here, because the Pi has access to neither.
"""

from __future__ import annotations

import bridgectl.ansible_loader  # noqa: F401 - it configures Ansible before Ansible is imported

# isort: split
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import judge
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.inventory.files import examine, find_sources
from bridgectl.inventory.load import Inventory, InventoryError, load
from bridgectl.validate.report import CannotWorkError
from pvs_image.bridge_configuration import BridgeConfiguration
from pvs_image.errors import ImageError

_HOSTNAME = "uplink_hostname"
# These name hosts as the controller sees them, which is useless on the Pi itself.
_CONTROLLER_ONLY = frozenset({"health_address", "health_client"})


def read_configuration(
    inventory: Path, limit: str, passwords: Sequence[Path]
) -> BridgeConfiguration:
    """Read and check the configuration of the one bridge that a pattern matches.

    Args:
        inventory: an Ansible inventory.
        limit: an Ansible host pattern; empty for an inventory with one bridge.
        passwords: vault password files.

    Raises:
        ImageError: the inventory is unreadable, the pattern does not match exactly one bridge, or
            the configuration has mistakes.
    """
    found = _load(inventory, limit, passwords)
    if not found.bridges:
        raise ImageError(
            f"INVENTORY={inventory} has no host in the group pvs_bridges",
            "add a bridge: make init NAME=garage",
        )
    bridge, *others = found.bridges
    if others:
        raise ImageError(
            f"LIMIT={limit} must match one bridge, got: {', '.join(found.bridges)}",
            f"name one of them: make personalise LIMIT={bridge}",
        )
    return BridgeConfiguration(bridge, str(inventory), _variables(found, bridge))


def _load(inventory: Path, limit: str, passwords: Sequence[Path]) -> Inventory:
    if not inventory.exists():
        raise ImageError(
            f"INVENTORY={inventory} does not exist",
            "add a bridge: make init NAME=garage",
        )
    problems, readable = examine(find_sources(inventory))
    if not readable:
        lines = "\n".join(f"{issue.place}: {issue.message}" for issue in problems)
        raise ImageError(f"INVENTORY={inventory} cannot be read:\n{lines}", "correct these lines")
    try:
        return load(inventory, limit, passwords)
    except InventoryError as error:
        raise ImageError(
            f"INVENTORY={inventory} cannot be read: {' '.join(str(error).split())}",
            f"correct it; for details: ansible-inventory -i {inventory} --list",
        ) from None
    except CannotWorkError as error:
        raise ImageError(error.problem, error.hint) from None


def _variables(inventory: Inventory, bridge: str) -> dict[str, Any]:
    """Render and check the variables that the inventory sets for a bridge.

    Raises:
        ImageError: a value is wrong, or a card does not support it.
    """
    known = inventory.variables(bridge)
    templar = Templar(loader=inventory.loader, variables=known)
    judged = judge(known, inventory.specs, templar)
    if judged.findings:
        raise ImageError(
            "\n".join([f"{bridge} has mistakes in its configuration:"]
                      + [str(finding) for finding in judged.findings]),
            "correct these values; for encrypted ones set ANSIBLE_VAULT_PASSWORD_FILE",
        )  # fmt: skip
    if judged.rendered.get("bridge_backend") == "dhcpcd":
        raise ImageError(
            f"{bridge} has bridge_backend: dhcpcd, but the card has NetworkManager",
            "remove bridge_backend from its configuration, or provision a Pi that runs dhcpcd",
        )
    wanted = all_options(inventory.specs).keys() - _CONTROLLER_ONLY
    variables = {
        str(name): _plain(judged.rendered[name])
        for name in inventory.own_variables(bridge)
        if name in wanted and name in judged.rendered
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
