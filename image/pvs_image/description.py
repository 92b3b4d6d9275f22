"""What the card is told of its bridge: the file that the role card reads on the Pi."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import yaml

_HEADING = """\
# What {bridge} is: written by pvs-bridge personalise from {inventory}.
# Read by the Pi when it boots. Its secrets move onto the Pi and leave this file the first time.
# To change something later, provision the Pi over the network, or edit this file and reboot it.
"""
# YAML reads each as a line break and forgets which one it was; within quotes they are escaped.
_RARE_BREAK = re.compile("[\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    """Writes a text with a rare line break, such as NEL, so that it is read again as it was."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _RARE_BREAK.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


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
        return heading + yaml.dump(
            dict(self.variables), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000
        )
