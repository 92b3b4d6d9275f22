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
  - Quotes plain names.
  - Writes anything else in hexadecimal, which wpa_supplicant reads byte for byte.
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
  description: The value to put behind ssid= or sae_password=.
  type: str
"""


class FilterModule:
    """Names the filter to Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter under its name."""
        return {"wpa_string": wifi.wpa_string}
