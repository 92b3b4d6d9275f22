"""Compare bridges with each other: addresses and names must be unique."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import (
    renderer,
    role_variables,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import (
    Issue,
    Location,
    located,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import TaggedOrigins
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rendering import render_all
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import parse_interface
from bridgectl.inventory.load import Inventory
from bridgectl.validate.report import Finding

# How Ansible connects to a bridge: bridges behind different jump hosts are in different homes.
_CONNECTION = ("ansible_connection", "ansible_ssh_common_args", "ansible_ssh_extra_args")
_READ = (*_CONNECTION, "ansible_host", "ansible_port", "uplink_address", "uplink_hostname",
         "uplink_method")  # fmt: skip
_ANSIBLE = "ansible_"
_SSH_PORT = "22"
_HINTS = {
    "ansible_host": "write the address or name of this Pi",
    "uplink_address": "give this bridge an address of its own",
    "uplink_hostname": "give this bridge an uplink_hostname of its own",
}


@dataclasses.dataclass(frozen=True)
class Claim:
    """A value that must be unique.

    Attributes:
        bridge: its name.
        variable: with the value.
        home: the network in which the value must be unique.
        value: the value.
        location: where it is written.
    """

    bridge: str
    variable: str
    home: str
    value: str
    location: Location


def claims(
    inventory: Inventory, bridge: str, variables: Mapping[str, Any]
) -> tuple[list[Claim], list[Issue]]:
    """Collect the values of a bridge that must be unique; skip those that cannot be rendered.

    Args:
        inventory: the inventory of the bridge.
        bridge: its name.
        variables: its variables in the play, as written.

    Returns:
        the values; and the issues of Ansible's own variables, which no role checks.
    """
    raw = {name: variables[name] for name in _READ if name in variables}
    render = renderer(Templar(inventory.loader), variables, True, not inventory.loader.skipped)
    rendered, issues = render_all(raw, render)
    written = {
        name: str(value) for name, value in rendered.items() if isinstance(value, (str, int))
    }
    # A role's default has no line in the inventory.
    own_names = {
        *role_variables(raw, inventory.specs),
        *(each for each in raw if each.startswith(_ANSIBLE)),
    }
    locate = TaggedOrigins({name: raw[name] for name in own_names}, {})
    home = " ".join(written.get(name, "") for name in _CONNECTION)

    address = written.get("ansible_host", bridge)
    found = {"ansible_host": f"{address}:{written.get('ansible_port', _SSH_PORT)}"}
    own = parse_interface(written.get("uplink_address", ""))
    if own and written.get("uplink_method") == "static":
        found["uplink_address"] = str(own.ip)
    if written.get("uplink_hostname"):
        found["uplink_hostname"] = written["uplink_hostname"].lower()
    wrong = [
        each
        for each in issues
        if str(each.location.path[0]).startswith(_ANSIBLE) and not each.unreadable
    ]
    return (
        [Claim(bridge, name, home, value, locate((name,))) for name, value in found.items()],
        located(wrong, locate),
    )


def conflicts(all_claims: Iterable[Claim]) -> Iterator[Finding]:
    """Find equal values of two bridges.

    Args:
        all_claims: of all bridges, in the inventory's order.
    """
    first: dict[tuple[str, str, str], Claim] = {}
    for claim in all_claims:
        owner = first.setdefault((claim.variable, claim.home, claim.value), claim)
        if owner.bridge != claim.bridge:
            value = claim.value.removesuffix(f":{_SSH_PORT}")
            problem = f"must be unique, but {owner.bridge} has {value} too"
            issue = Issue(problem, _HINTS[claim.variable], claim.location)
            yield Finding(issue, "fleet", (claim.bridge,))
