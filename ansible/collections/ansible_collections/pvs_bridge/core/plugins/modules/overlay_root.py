#!/usr/bin/python
"""Documentation of an action plugin; the work is done in plugins/action/overlay_root.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: root
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Lock a host's root, or unlock it
description:
  - A locked root takes changes into memory, and a restart forgets them. To lock it, or to unlock
    it, takes a restart, which this waits for.
  - Does nothing where the root is as wanted already, and on a host without what locks it, see the
    role C(appliance).
options:
  locked:
    description: Whether it is to be locked.
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
    description: Only says whether the host would restart.
    support: full
  diff_mode:
    description: Shows the difference that a change makes.
    support: none
    details: There is nothing to see of it.
  platform:
    description: Systems that it can be used for.
    support: full
    platforms: debian
seealso:
  - module: pvs_bridge.core.managed_files
"""

EXAMPLES = r"""
- name: Have what follows outlast a restart
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
