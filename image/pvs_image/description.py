"""What the card is told of its bridge: the file that the role card reads on the Pi."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml

_HEADING = """\
# What {bridge} is: written by pvs-bridge personalise from {inventory}.
# Read by the Pi when it boots. Its secrets move onto the Pi and leave this file the first time.
# To change something later, provision the Pi over the network, or edit this file and reboot it.
"""


@dataclasses.dataclass(frozen=True)
class Description:
    """What an inventory says about one bridge.

    Attributes:
        bridge: its name in the inventory.
        inventory: as it was named.
        variables: of the roles, those that the inventory sets, as plain values.
    """

    bridge: str
    inventory: str
    variables: Mapping[str, Any]

    def as_yaml(self) -> str:
        """Write it for the card: one mapping, whose values are what they are, and no templates."""
        heading = _HEADING.format(bridge=self.bridge, inventory=self.inventory)
        return heading + yaml.safe_dump(
            dict(self.variables), sort_keys=False, allow_unicode=True, width=1000
        )
