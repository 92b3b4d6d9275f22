"""The filter ``pvs_bridge.core.wpa_string``."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.pvs_bridge.core.plugins.plugin_utils import wifi

DOCUMENTATION = r"""
name: wpa_string
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Write a string for wpa_supplicant.conf
description:
  - Quotes simple names, and writes all others in hexadecimal.
options:
  _input:
    description: An SSID or an SAE password.
    type: str
    required: true
"""

EXAMPLES = r"""
ssid: "{{ network.ssid | pvs_bridge.core.wpa_string }}"
"""

RETURN = r"""
_value:
  description: The value of ssid= or sae_password=.
  type: str
"""


class FilterModule:
    """Registers the filter in Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter by its name."""
        return {"wpa_string": wifi.wpa_string}
