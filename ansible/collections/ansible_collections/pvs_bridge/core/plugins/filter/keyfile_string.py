"""The filter ``pvs_bridge.core.keyfile_string``."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.pvs_bridge.core.plugins.plugin_utils import wifi

DOCUMENTATION = r"""
name: keyfile_string
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Write a string for a NetworkManager keyfile
description:
  - Escapes backslashes, and spaces at both ends.
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
psk: "{{ network.passphrase | pvs_bridge.core.keyfile_string }}"
"""

RETURN = r"""
_value:
  description: The value of a key in a keyfile.
  type: str
"""


class FilterModule:
    """Registers the filter in Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter by its name."""
        return {"keyfile_string": wifi.keyfile_string}
