"""The filter ``pvs_bridge.core.keyfile_ssid``."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.pvs_bridge.core.plugins.plugin_utils import wifi

DOCUMENTATION = r"""
name: keyfile_ssid
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Write an SSID for a NetworkManager keyfile
description:
  - Names that are ambiguous in a keyfile are written as the list of their bytes.
options:
  _input:
    description: The SSID.
    type: str
    required: true
"""

EXAMPLES = r"""
ssid: "{{ network.ssid | pvs_bridge.core.keyfile_ssid }}"
"""

RETURN = r"""
_value:
  description: The value of ssid= in a keyfile.
  type: str
"""


class FilterModule:
    """Registers the filter in Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter by its name."""
        return {"keyfile_ssid": wifi.keyfile_ssid}
