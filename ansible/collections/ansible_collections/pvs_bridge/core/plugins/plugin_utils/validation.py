"""Judge the description of one bridge, without the bridge.

Pure: nothing here renders a template, reads a file or needs a play. Rendering is
``rendering.py``'s, and where values were written is ``origins.py``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import (
    UNUSABLE,
    Fault,
    Finding,
    Locate,
    nowhere,
    placed,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules import (
    address,
    appliance,
    compat,
    firewall,
    monitor,
    proxy,
    service,
    wifi,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.spec_checks import (
    check_value,
    check_variables,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import RoleSpec, all_options
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import CrossCheck, Values

# In this order, because the first finding about a value stands for all about it.
CROSS_CHECKS: tuple[CrossCheck, ...] = (
    *service.CHECKS,
    *address.CHECKS,
    *proxy.CHECKS,
    *compat.CHECKS,
    *firewall.CHECKS,
    *appliance.CHECKS,
    *monitor.CHECKS,
    *wifi.CHECKS,
)


def validate(
    variables: Mapping[str, Any],
    specs: Iterable[RoleSpec],
    locate: Locate = nowhere,
    defaults: Mapping[str, Any] | None = None,
    faults: Iterable[Fault] = (),
) -> list[Finding]:
    """Find everything that is wrong with a bridge's description.

    Args:
        variables: the host's merged variables, rendered; UNUSABLE where ``faults`` has it.
        specs: of the roles that will run.
        locate: where each value was written.
        defaults: the roles' defaults, rendered. Without them those that need no rendering.
        faults: what was found wrong before, while rendering.

    Returns:
        one finding a value that is wrong, by file and line; empty where all is well.
    """
    specs = list(specs)
    checked, found = check_variables(variables, specs)
    constants = {name: value for spec in specs for name, value in spec.constants.items()}
    values = Values(checked, _usable_defaults(specs, defaults), constants)
    crossed = [fault for check in CROSS_CHECKS for fault in check(values)]
    return placed([*faults, *found, *crossed], locate)


def _usable_defaults(
    specs: Iterable[RoleSpec], rendered: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Put the roles' defaults into the types of their specs; leave out what cannot be."""
    specs = list(specs)
    if rendered is None:
        rendered = {
            name: value
            for spec in specs
            for name, value in spec.defaults.items()
            if "{{" not in repr(value) and "{%" not in repr(value)
        }
    options = all_options(specs)
    ignored: list[Fault] = []
    usable = {
        name: check_value(value, options[name], (name,), ignored)
        for name, value in rendered.items()
        if name in options and value is not None
    }
    return {name: value for name, value in usable.items() if value is not UNUSABLE}
