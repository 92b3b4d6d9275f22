"""A bridge's description, read from its inventory as Ansible reads it, but without its secrets."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import judge
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import variable_name
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.inventory.load import Inventory, InventoryError, load
from bridgectl.rehearse.placeholders import without_secrets
from bridgectl.validate.report import CannotWorkError
from pvs_lab.errors import LabError


@dataclasses.dataclass(frozen=True)
class Description:
    """What the inventory says about one bridge.

    Attributes:
        bridge: its name in the inventory.
        address: where Ansible reaches the real one.
        variables: of the roles, rendered, with stand-ins in the place of secrets.
        defaults: of the roles, as they are written.
        unread: variables with secrets that could not be read here at all.
    """

    bridge: str
    address: str
    variables: Mapping[str, Any]
    defaults: Mapping[str, Any]
    unread: tuple[str, ...] = ()

    def value(self, name: str) -> Any:  # noqa: ANN401 - any variable
        """Return a variable as the roles see it: the inventory's, else the default."""
        given = self.variables.get(name)
        return self.defaults.get(name) if given is None else given


def read(inventory: Path, limit: str) -> Description:
    """Read and check the description of the one bridge that a pattern fits.

    Args:
        inventory: as Ansible takes it.
        limit: one of Ansible's patterns; empty for an inventory with one bridge.

    Raises:
        LabError: the inventory cannot be read, the pattern does not fit one bridge, or there are
            mistakes in the bridge's description.
    """
    password = os.environ.get("ANSIBLE_VAULT_PASSWORD_FILE")
    try:
        found = load(inventory, limit, [Path(password)] if password else [])
    except InventoryError as error:
        raise LabError(
            f"INVENTORY={inventory} cannot be read: {' '.join(str(error).split())}",
            f"correct it; `ansible-inventory -i {inventory} --list` says more",
        ) from None
    except CannotWorkError as error:
        problem, _, hint = str(error).partition("\n  hint: ")
        raise LabError(problem, hint) from None
    if not found.bridges:
        raise LabError(
            f"INVENTORY={inventory} has no bridge: no host is in the group pvs_bridges",
            "describe one first: make init NAME=garage",
        )
    bridge, *others = sorted(found.bridges)
    if others:
        raise LabError(
            f"LIMIT={limit} fits {len(found.bridges)} bridges: {', '.join([bridge, *others])}",
            f"rehearse one at a time, such as: make rehearse LIMIT={bridge}",
        )
    return _checked(found, bridge)


def _checked(inventory: Inventory, bridge: str) -> Description:
    """Check a bridge's variables.

    Raises:
        LabError: there are mistakes in them, or one that is needed cannot be read here.
    """
    variables = inventory.variables(bridge)
    options = all_options(inventory.specs)
    templar = Templar(loader=inventory.loader, variables=variables)
    found = judge(
        without_secrets(variables, options, plain_too=False),
        inventory.specs,
        templar,
        lenient=True,
    )
    secret = {name for name, option in options.items() if option.holds_secrets}
    unread = {str(fault.path[0]) for fault in found.sealed} & secret
    closed = [fault for fault in found.sealed if fault.path[0] not in unread]
    mistakes = [
        *map(str, found.findings),
        *(f"{variable_name(each.path)}: {each.problem}; {each.hint}" for each in closed),
    ]
    try:
        address = str(templar.template(variables.get("ansible_host", bridge)))
    except AnsibleError as error:
        address = bridge
        mistakes.append(f"ansible_host: {' '.join(str(error).split())}")
    if mistakes:
        raise LabError(
            "\n".join([f"{bridge} cannot be rehearsed as it is described:", *mistakes]),
            "correct what these lines name; ANSIBLE_VAULT_PASSWORD_FILE opens what is encrypted",
        )
    rendered = {name: value for name, value in found.rendered.items() if name not in unread}
    return Description(
        bridge=bridge,
        address=address,
        variables=without_secrets(rendered, options, plain_too=True),
        defaults={name: value for spec in inventory.specs for name, value in spec.defaults.items()},
        unread=tuple(sorted(unread)),
    )
