"""The bridges against each other: what only one of them can have."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible.template import Templar

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.check_variables import (
    of_interest,
    renderer,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import Place
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.origins import TaggedOrigins
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rendering import render_all
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import parse_interface
from bridgectl.inventory.load import Inventory
from bridgectl.validate.report import Problem

# How Ansible gets to a bridge: what is reached by another jump host is another home.
_WAY = ("ansible_connection", "ansible_ssh_common_args", "ansible_ssh_extra_args")
_READ = (*_WAY, "ansible_host", "ansible_port", "uplink_address", "uplink_hostname",
         "uplink_method")  # fmt: skip
_SSH_PORT = "22"
_HINTS = {
    "ansible_host": "write the address or name of this Pi",
    "uplink_address": "give this bridge an address of its own",
    "uplink_hostname": "give this bridge an uplink_hostname of its own",
}


@dataclasses.dataclass(frozen=True)
class Claim:
    """What a bridge wants for itself.

    Attributes:
        bridge: its name.
        variable: by which it says so.
        home: the network in which nobody else can have it.
        value: what it wants.
        place: where it is written.
    """

    bridge: str
    variable: str
    home: str
    value: str
    place: Place


def claims(inventory: Inventory, bridge: str, variables: Mapping[str, Any]) -> list[Claim]:
    """Collect what a bridge wants for itself; what cannot be rendered is left out.

    Args:
        inventory: that the bridge is in.
        bridge: its name.
        variables: what its play knows, as written.
    """
    raw = {name: variables[name] for name in _READ if name in variables}
    render = renderer(Templar(inventory.loader), variables)
    rendered, _ = render_all(raw, render)
    written = {
        name: str(value) for name, value in rendered.items() if isinstance(value, (str, int))
    }
    # Of a role's default, no line of the inventory is to blame.
    own_names = {*of_interest(raw, inventory.specs), *(each for each in raw if "ansible" in each)}
    locate = TaggedOrigins({name: raw[name] for name in own_names}, {})
    home = " ".join(written.get(name, "") for name in _WAY)

    address = written.get("ansible_host", bridge)
    found = {"ansible_host": f"{address}:{written.get('ansible_port', _SSH_PORT)}"}
    own = parse_interface(written.get("uplink_address", ""))
    if own and written.get("uplink_method") == "static":
        found["uplink_address"] = str(own.ip)
    if written.get("uplink_hostname"):
        found["uplink_hostname"] = written["uplink_hostname"].lower()
    return [Claim(bridge, name, home, value, locate((name,))) for name, value in found.items()]


def disputes(all_claims: Iterable[Claim]) -> Iterator[Problem]:
    """Find what two bridges want.

    Args:
        all_claims: of all bridges, in the inventory's order.
    """
    first: dict[tuple[str, str, str], Claim] = {}
    for claim in all_claims:
        owner = first.setdefault((claim.variable, claim.home, claim.value), claim)
        if owner.bridge != claim.bridge:
            value = claim.value.removesuffix(f":{_SSH_PORT}")
            yield Problem(
                "fleet",
                f"{value} is that of {owner.bridge} too",
                _HINTS[claim.variable],
                variable=claim.variable,
                file=claim.place.file,
                line=claim.place.line,
                bridges=(claim.bridge,),
            )
