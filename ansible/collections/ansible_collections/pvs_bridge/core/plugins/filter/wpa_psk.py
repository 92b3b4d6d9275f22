"""The filter ``pvs_bridge.core.wpa_psk``."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.pvs_bridge.core.plugins.plugin_utils import wifi

DOCUMENTATION = r"""
name: wpa_psk
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Hash a WPA2 passphrase
description:
  - Derives the 256-bit pre-shared key, so that the passphrase need not be stored.
positional: ssid
options:
  _input:
    description: The passphrase, 8 to 63 bytes.
    type: str
    required: true
  ssid:
    description: Name of the network.
    type: str
    required: true
"""

EXAMPLES = r"""
psk: "{{ network.passphrase | pvs_bridge.core.wpa_psk(network.ssid) }}"
"""

RETURN = r"""
_value:
  description: 64 hexadecimal digits.
  type: str
"""


class FilterModule:
    """Registers the filter in Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter by its name."""
        return {"wpa_psk": wifi.psk}
