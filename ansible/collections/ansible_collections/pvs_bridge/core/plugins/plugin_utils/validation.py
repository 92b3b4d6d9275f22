"""Check the rendered variables of one bridge.

Pure: renders no template and reads no file. See ``rendering.py`` for rendering, and
``origins.py`` for locations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import (
    UNUSABLE,
    Issue,
    Locate,
    locate_nowhere,
    located,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules import (
    address,
    appliance,
    certificate,
    compat,
    connection,
    firewall,
    monitor,
    mqtt,
    notify,
    proxy,
    pvs_at_home,
    ranges,
    service,
    wifi,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.spec_checks import (
    check_specs,
    check_value,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import RoleSpec, all_options
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

# The order matters, because only the first issue of a value is reported.
RULES: tuple[Rule, ...] = (
    *service.RULES,
    *ranges.RULES,
    *connection.RULES,
    *address.RULES,
    *proxy.RULES,
    *pvs_at_home.RULES,
    *certificate.RULES,
    *compat.RULES,
    *firewall.RULES,
    *appliance.RULES,
    *monitor.RULES,
    *mqtt.RULES,
    *notify.RULES,
    *wifi.RULES,
)


def validate(
    variables: Mapping[str, Any],
    specs: Iterable[RoleSpec],
    locate: Locate = locate_nowhere,
    defaults: Mapping[str, Any] | None = None,
    issues: Iterable[Issue] = (),
) -> list[Issue]:
    """Find everything that is wrong with a bridge's variables.

    Args:
        variables: the host's merged variables, rendered; UNUSABLE if they are in ``issues``.
        specs: of the roles that will run.
        locate: finds where each value was written.
        defaults: the roles' defaults, rendered; if None, those that contain no template.
        issues: what was found while rendering.

    Returns:
        one issue for each wrong value, sorted by file and line.
    """
    specs = list(specs)
    checked, found = check_specs(variables, specs)
    constants = {name: value for spec in specs for name, value in spec.constants.items()}
    reached = {each: variables[each] for each in connection.VARIABLES if each in variables}
    values = Values({**checked, **reached}, _usable_defaults(specs, defaults), constants)
    broken = [issue for rule in RULES for issue in rule(values)]
    return located([*issues, *found, *broken], locate)


def _usable_defaults(
    specs: Iterable[RoleSpec], rendered: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Convert the roles' defaults to the types of their specs; leave out invalid ones."""
    specs = list(specs)
    if rendered is None:
        rendered = {
            name: value
            for spec in specs
            for name, value in spec.defaults.items()
            if "{{" not in repr(value) and "{%" not in repr(value)
        }
    options = all_options(specs)
    ignored: list[Issue] = []
    usable = {
        name: check_value(value, options[name], (name,), ignored)
        for name, value in rendered.items()
        if name in options and value is not None
    }
    return {name: value for name, value in usable.items() if value is not UNUSABLE}
