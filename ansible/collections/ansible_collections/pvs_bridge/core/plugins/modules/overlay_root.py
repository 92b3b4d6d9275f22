#!/usr/bin/python
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: overlay_root
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Lock or unlock a host's root file system
description:
  - A locked root keeps changes in memory until the next restart. This module restarts the host to
    lock or unlock it, and waits until the host is back.
  - Does nothing if the root is already in the wanted state, or if the role C(appliance) has not
    been applied to the host.
options:
  locked:
    description: Whether the root must be locked.
    type: bool
    required: true
attributes:
  action:
    description: Runs as an action plugin on the controller.
    support: full
  async:
    description: Can be run in the background with C(async).
    support: none
  check_mode:
    description: Reports whether the host would restart.
    support: full
  diff_mode:
    description: Shows the difference that a change makes.
    support: none
    details: There are no file changes.
  platform:
    description: Systems that it can be used for.
    support: full
    platforms: debian
seealso:
  - module: pvs_bridge.core.managed_files
"""

EXAMPLES = r"""
- name: Unlock the root
  pvs_bridge.core.overlay_root:
    locked: false
"""

RETURN = r"""
rebooted:
  description: Whether the host has restarted.
  returned: success
  type: bool
  sample: true
"""
