"""The configuration file on the boot partition: one bridge's variables as YAML."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import yaml

_HEADING = """\
# Configuration of {bridge}, written by `make personalise` from {inventory}.
# The Pi reads this file when it boots. At the first boot it stores the secrets and removes them
# from this file.
# To change something later, provision the Pi over the network, or edit this file and reboot.
"""
# YAML normalises these line breaks, unless they are escaped in double quotes.
_UNICODE_BREAK = re.compile("[\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    """Writes strings with Unicode line breaks, such as NEL, so that they are read unchanged."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _UNICODE_BREAK.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


@dataclasses.dataclass(frozen=True)
class BridgeConfiguration:
    """One bridge's configuration.

    Attributes:
        bridge: its name in the inventory.
        inventory: the inventory's path.
        variables: the role variables that the inventory sets, as plain values.
        user: the user of the Pi who may log in with the keys.
    """

    bridge: str
    inventory: str
    variables: Mapping[str, Any]
    user: str = "pi"

    def as_yaml(self) -> str:
        """Return it as YAML: one mapping of plain values, without templates."""
        heading = _HEADING.format(bridge=self.bridge, inventory=self.inventory)
        return heading + yaml.dump(
            dict(self.variables), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000
        )
