"""The configuration of one bridge, read from its inventory, without its secrets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import (
    CheckedVariables,
    check_variables,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import all_options
from bridgectl.errors import CannotWorkError
from bridgectl.inventory.load import Inventory
from bridgectl.inventory.placeholders import NoPlaceholderError, without_secrets
from bridgectl.inventory.select import select_bridge


@dataclasses.dataclass(frozen=True)
class Configuration:
    """The configuration of one bridge.

    Attributes:
        bridge: its name in the inventory.
        address: the address of the real bridge.
        variables: of the roles, rendered, with placeholders for secrets.
        defaults: of the roles, as written.
        unreadable: secret variables that could not be read, and have no placeholder.
    """

    bridge: str
    address: str
    variables: Mapping[str, Any]
    defaults: Mapping[str, Any]
    unreadable: tuple[str, ...] = ()

    def value(self, name: str) -> Any:  # noqa: ANN401 - any variable
        """Return a variable of the inventory, or the role's default."""
        value = self.variables.get(name)
        return self.defaults.get(name) if value is None else value


def read(inventory: Path, limit: str) -> Configuration:
    """Read and check the configuration of one bridge.

    Args:
        inventory: a file or a folder.
        limit: an Ansible pattern; may be empty if the inventory has one bridge.

    Raises:
        CannotWorkError: the inventory cannot be read, the limit does not select one bridge, or its
            variables are wrong.
    """
    found, bridge = select_bridge(inventory, limit, "rehearse")
    variables = found.variables(bridge)
    templar = Templar(loader=found.loader, variables=variables)
    all_known = not found.loader.skipped
    checked = check_variables(variables, found.specs, templar, lenient=True, all_known=all_known)
    errors = [str(each) for each in checked.issues if all_known or each.location.file]
    try:
        address = str(templar.template(variables.get("ansible_host", bridge)))
    except AnsibleError as error:
        address = bridge
        errors.append(f"ansible_host: {' '.join(str(error).split())}")
    shown, unreadable = _without_secrets(found, checked, errors)
    if errors:
        raise CannotWorkError(
            "\n".join([f"the configuration of {bridge} is wrong:", *errors]),
            "correct these lines; ANSIBLE_VAULT_PASSWORD_FILE decrypts encrypted values",
        )
    defaults = {name: value for spec in found.specs for name, value in spec.defaults.items()}
    return Configuration(bridge, address, shown, defaults, unreadable)


def _without_secrets(
    inventory: Inventory, checked: CheckedVariables, errors: list[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Replace secrets; append an error for each other value that cannot be read.

    Returns:
        the variables; and the secret variables without a placeholder.
    """
    options = all_options(inventory.specs)
    reasons = {issue.location.path: issue for issue in checked.unreadable}
    shown, unreadable = {}, []
    for name, value in checked.rendered.items():
        option = options.get(name)
        try:
            shown[name] = without_secrets(checked.raw.get(name), value, option, (name,))
        except NoPlaceholderError as error:
            if option is not None and option.holds_secrets:
                unreadable.append(name)
            elif error.path in reasons:
                errors.append(str(reasons[error.path]))
    return shown, tuple(unreadable)
